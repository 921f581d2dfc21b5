/**
 * `npm test`: starts one private broker and one database for the whole run, runs ava with its arguments
 * passed on, stops and removes everything, and ends with the line `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { commandLine, commandSpec } from '#local/commands/command-line.ts';
import { privateDir, stackDir } from '#local/stack/addresses.ts';
import { startBroker } from '#local/stack/broker.ts';
import { removeDeadTestRuns, removeTestRun } from '#local/stack/clean-up.ts';
import { startDatabase } from '#local/stack/database.ts';
import { lifetime } from '#local/stack/lifetime.ts';
import { isRoutine, readableLine } from '#local/stack/log-lines.ts';
import { tryLock } from '#local/stack/lock.ts';
import { projectDir } from '#local/stack/own-process.ts';
import { recordProcess } from '#local/stack/processes.ts';
import { anyFreePort } from '#local/stack/ports.ts';
import { loadSecrets } from '#local/stack/secrets.ts';
import { Trouble } from '#local/stack/trouble.ts';
import { countResults, skippedIn, slowestIn } from './support/ava-summary.ts';
import { startContainers } from './support/containers.ts';

const dir = join(stackDir, `test-${process.pid}`);
const recordDir = join(dir, 'run');
/** So many test files are named as the slowest. */
const SLOWEST = 8;
/** What the broker and the database complained about; shown when tests fail. */
let complaints: readonly string[] = [];
/** What ava has said so far. */
let output = '';
const say = (text: string): void => void process.stdout.write(`${text}\n`);

interface Servers {
  readonly description: string;
  readonly amqpUrl: string;
  readonly managementUrl: string;
  readonly mongoUrl: string;
  stop(): Promise<void>;
}

const spec = commandSpec({
  call: 'npm test --',
  does: 'Starts a private broker and a database, runs the tests, stops everything, and ends with the line `N passed, N failed`.',
  words: { 'FILE...': 'only these test files; without, all of them' },
  options: {
    match: {
      type: 'string',
      value: 'TITLE',
      multiple: true,
      means: 'only tests with this title; * stands for anything',
    },
    'fail-fast': { type: 'boolean', means: 'stops after the first failure' },
    serial: { type: 'boolean', means: 'one test of a file after the other' },
    concurrency: { type: 'string', value: 'N', means: 'so many test files at once' },
    timeout: { type: 'string', value: 'TIME', means: 'how long nothing may happen, e.g. 2m' },
    'update-snapshots': { type: 'boolean', means: 'writes the snapshots anew' },
  },
  examples: [
    ['test/services/wallet/wallet.test.ts', 'one file'],
    ['test/e2e/kill.test.ts --match "*payment*"', 'the tests of a file whose titles name payment'],
  ],
  exits: '1: a test failed; 130: it was interrupted.',
});
commandLine(spec);

await lifetime({ signalCode: 130, failureLine: interrupted }, async ({ onStop, fail, finish }) => {
  privateDir(stackDir);
  await removeDeadTestRuns(stackDir);
  tryLock(join(dir, 'lock'));
  onStop(() => removeTestRun(dir));
  const servers = (await startContainers()) ?? (await startLocal(fail, onStop));
  onStop(servers.stop);
  say(`Tests run on ${servers.description}.`);
  const code = await runAva(servers, onStop);
  const { passed, failed } = countResults(output, code);
  if (failed > 0 && complaints.length > 0)
    say(`Last words of the broker and the database:\n${complaints.join('\n')}\n`);
  finish(failed === 0 ? 0 : 1, [...remarks(), `${passed} passed, ${failed} failed`].join('\n'));
});

/** What a reader should not have to look for in the output: what took longest, and what did not run at all. */
function remarks(): readonly string[] {
  const slowest = slowestIn(output, SLOWEST).map(({ file, ms }) => `${file} ${(ms / 1000).toFixed(1)} s`);
  const skipped = skippedIn(output);
  return [
    ...(slowest.length === 0 ? [] : [`Longest: ${slowest.join(', ')}`]),
    ...(skipped.length === 0 ? [] : [`${skipped.length} skipped:`]),
    ...skipped.map(({ title, reason }) => `  ${title} (${reason})`),
  ];
}

/** What is known of a run that did not come to its end; that it did not is a failure of its own. */
function interrupted(why: string): string {
  const { passed, failed } = countResults(output, 0);
  return [
    ...remarks(),
    `Not finished: ${why}. Until then ${passed} passed and ${failed} failed; the others did not run or did not end.`,
    `${passed} passed, ${failed + 1} failed`,
  ].join('\n');
}

async function startLocal(
  fail: (reason: Error) => void,
  onStop: (stop: () => Promise<void>) => void,
): Promise<Servers> {
  mkdirSync(dir, { recursive: true });
  const tell = (level: string, text: string): void => {
    if (level !== 'info') process.stderr.write(`${text}\n`);
  };
  const onGivenUp = (name: string, reason: string): void => fail(new Trouble(`${name} cannot run: ${reason}`));
  const common = {
    dir,
    recordDir,
    tell,
    onGivenUp,
    onStop,
    output: (source: string, line: string) => {
      if (!isRoutine(line)) complaints = [...complaints, readableLine(source, line, false, Date.now)].slice(-20);
    },
  };
  const ports = { amqp: await anyFreePort(), management: await anyFreePort() };
  const [broker, database] = await Promise.all([
    startBroker({ ...common, ports, password: loadSecrets(dir, []).brokerAdmin, say, disposable: true }),
    startDatabase({ ...common, port: await anyFreePort() }),
  ]);
  return {
    description: `the local stack: ${broker.description}, ${database.description}`,
    amqpUrl: broker.amqpUrl,
    managementUrl: broker.managementUrl,
    mongoUrl: database.url,
    stop: async () => void (await Promise.all([broker.stop(), database.stop()])),
  };
}

/** Ava's output goes to the terminal as it comes; it is also kept, to count. */
async function runAva(servers: Servers, onStop: (stop: () => Promise<void>) => void): Promise<number> {
  const bin = join(projectDir, 'node_modules/.bin');
  const preload = pathToFileURL(join(projectDir, 'local/stack/end-with-parent.ts')).href;
  // Ava's worker processes get the preload too, so that none of them outlives this one.
  const child = spawn(process.execPath, ['--import', preload, join(bin, 'ava'), ...process.argv.slice(2)], {
    cwd: projectDir,
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      ...process.env,
      PATH: `${bin}:${process.env['PATH']}`,
      TMPDIR: tmp(),
      // Every test file is a process, and most import the same modules: compiled once, and gone with the run.
      NODE_COMPILE_CACHE: join(dir, 'compiled'),
      SWITCHYARD_TEST_DIR: dir,
      SWITCHYARD_TEST_AMQP_URL: servers.amqpUrl,
      SWITCHYARD_TEST_MANAGEMENT_URL: servers.managementUrl,
      SWITCHYARD_TEST_MONGO_URL: servers.mongoUrl,
      SWITCHYARD_TEST_SERVERS: servers.description,
      ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}),
    },
  });
  if (child.pid !== undefined) recordProcess(recordDir, 'ava', child.pid);
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString();
    process.stdout.write(data);
  });
  const ended = new Promise<number>((resolve) => {
    child.once('error', () => resolve(1));
    child.once('close', (code) => resolve(code ?? 1));
  });
  onStop(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 5000))]);
    child.kill('SIGKILL');
  });
  return ended;
}

function tmp(): string {
  const path = join(dir, 'tmp');
  mkdirSync(path, { recursive: true });
  return path;
}
