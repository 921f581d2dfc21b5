/** `npm run mutations`: whether the simulation, or a suite of tests, catches every deliberate defect. The tree stays as it is. */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mutation } from './mutation.ts';
import { mutations, SEED_LIMIT } from './mutations.ts';
import { command } from '#local/commands/command.ts';
import { commandLine, commandSpec } from '#local/commands/command-line.ts';
import { stackDir } from '#local/stack/addresses.ts';
import { Trouble } from '#local/stack/trouble.ts';
import { systemClock } from '#shared/clock.ts';

const LIMIT_MS = 300_000;
const PARTS = ['shared', 'services', 'local', 'test', 'package.json', 'ava.config.mjs'];

const root = process.cwd();

const spec = commandSpec({
  call: 'npm run mutations --',
  does: 'Makes each deliberate defect in a copy of the tree and checks that the simulation, or the tests that it names, catch it; this tree stays as it is.',
  options: {
    only: { type: 'string', value: 'NAME', multiple: true, means: 'this defect, by its name in docs/guarantees.md' },
  },
  examples: [['--only "ack on delivery"', 'one of them']],
  exits: '1: a defect survived, or could not be made.',
});
const { values } = commandLine(spec);

await command(async () => {
  const chosen = mutations.filter(({ name }) => values.only === undefined || values.only.includes(name));
  if (chosen.length === 0)
    throw new Trouble(
      `there is no mutation ${JSON.stringify(values.only)}; there are: ${mutations.map(({ name }) => name).join(', ')}`,
    );
  let survived = 0;
  for (const mutation of chosen) {
    const verdict = await tried(mutation);
    if (!verdict.startsWith('caught')) survived += 1;
    print(`${mutation.name.padEnd(44)} ${verdict}`);
  }
  print(`${chosen.length - survived} of ${chosen.length} caught`);
  process.exitCode = survived === 0 ? 0 : 1;
});

async function tried(mutation: Mutation): Promise<string> {
  const dir = join(stackDir, 'mutations', mutation.name.replaceAll(/\W+/g, '-'));
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  try {
    for (const part of PARTS) cpSync(join(root, part), join(dir, part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
    for (const { file, find, replace } of [mutation, ...(mutation.and === undefined ? [] : [mutation.and])]) {
      const path = join(dir, file);
      const before = readFileSync(path, 'utf8');
      const places = before.split(find).length - 1;
      if (places !== 1) return `CANNOT BE APPLIED: its place is ${places} times in ${file}`;
      writeFileSync(
        path,
        before.replace(find, () => replace),
      );
    }
    return await caught(dir, mutation);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function caught(dir: string, { suite, simulation = 'test/simulation/main.ts' }: Mutation): Promise<string> {
  const started = systemClock.now();
  const { promise, resolve } = Promise.withResolvers<string>();
  const args =
    suite === undefined
      ? [simulation, '--first', '--seeds', String(SEED_LIMIT)]
      : [join(root, 'node_modules/ava/entrypoints/cli.mjs'), suite];
  const child = spawn(process.execPath, args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const cancel = systemClock.after(LIMIT_MS, () => child.kill('SIGKILL'));
  child.once('close', (code, signal) => {
    cancel();
    const seed = /^seed (\d+): FAILED/m.exec(output)?.[1];
    const how = /^ {2}(?!settings)(.*)$/m.exec(output)?.[1] ?? '';
    const seconds = ((systemClock.now() - started) / 1000).toFixed(1);
    const failed = suite && /^ *✘ \[fail\]: (.*)$/m.exec(output)?.[1];
    if (seed !== undefined) resolve(`caught by seed ${seed} in ${seconds} s: ${how.slice(0, 120)}`);
    else if (failed) resolve(`caught by a test in ${seconds} s: ${failed.slice(0, 120)}`);
    else if (code === 0) resolve(`SURVIVED ${suite ?? `${SEED_LIMIT} seeds`}`);
    else resolve(`DID NOT RUN (${signal ?? code}): ${output.slice(-300)}`);
  });
  return promise;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
