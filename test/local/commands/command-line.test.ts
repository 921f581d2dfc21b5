import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import test from 'ava';
import { commandSpec, helpOf, parsedBy } from '#local/commands/command-line.ts';
import { Trouble } from '#local/stack/trouble.ts';

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Readonly<Record<string, string>> };
/** Scripts that are ours: name -> file. The others belong to foreign programs. */
const programs = Object.entries(scripts).flatMap(([name, script]) => {
  const [, file] = /^node local\/launch\.mjs (\S+)$/.exec(script) ?? [];
  return file === undefined ? [] : [[name, file] as const];
});
const FOREIGN = ['check', 'check:dependencies', 'format'];

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function ran(file: string, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [file, ...args], { timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
    child.stdin?.end();
  });
}

test('every script of package.json is one of ours, or known to be foreign', (t) => {
  t.deepEqual(Object.keys(scripts).toSorted(), [...programs.map(([name]) => name), ...FOREIGN].toSorted());
});

for (const [name, file] of programs) {
  const call = ['start', 'test'].includes(name) ? `npm ${name}` : `npm run ${name}`;

  test.serial(`${call} -- --help says what it does and what each option means`, async (t) => {
    const { code, stdout, stderr } = await ran(file, ['--help']);
    t.is(code, 0, stderr);
    t.is(stderr, '');
    t.true(stdout.startsWith(call), stdout);
    t.false(stdout.includes('\u001B'), 'no colour on a pipe');
    t.regex(stdout, /\n\nExamples\n {2}npm \S+/);
    const options = /\nOptions\n(.*?)\n\n/s.exec(stdout)?.[1]?.split('\n') ?? [];
    t.true(options.length > 0);
    for (const line of options) t.regex(line, /^ {2}(--[a-z-]+( \S+)?( {2,}\S.*)?| {30,}\S.*)$/);
    const page = new RegExp(`${call} -- ([^\`\n]*)`, 'g');
    const told = globSync(['README.md', 'docs/**/*.md'])
      .flatMap((path) => [...readFileSync(path, 'utf8').matchAll(page)])
      .flatMap(([, rest = '']) => [...rest.matchAll(/(?<=^|\s)--[a-z-]+/g)].map(([option]) => option));
    for (const option of new Set(told)) t.regex(stdout, new RegExp(`^ {2}${option}\\b`, 'm'), 'a page names it');
  });

  test.serial(`${call} refuses an option that it does not know, in a sentence`, async (t) => {
    const { code, stdout, stderr } = await ran(file, ['--no-such-option-here']);
    t.is(code, 1);
    t.is(stdout, '');
    t.regex(stderr, /^Unknown option '--no-such-option-here'.*--help` shows what there is\n$/s);
  });
}

const spec = commandSpec({
  call: 'npm run thing --',
  does: 'Does a thing.',
  words: { 'NAME...': 'whose' },
  options: {
    rate: { type: 'string', value: 'N', default: '5', means: 'how often' },
    only: { type: 'string', value: 'NAME', multiple: true, means: 'these' },
    demo: { type: 'boolean', default: true, negative: true, means: 'without a first one' },
  },
  examples: [['--rate 7', 'more often']],
  exits: '1: it broke.',
});

test('what is parsed and what is told come from one table', (t) => {
  t.is(
    helpOf(spec),
    [
      'npm run thing -- [NAME...] [options]',
      '',
      '  Does a thing.',
      '',
      '  NAME...  whose',
      '',
      'Options',
      '  --rate N     how often (5)',
      '  --only NAME  these; may be given several times',
      '  --no-demo    without a first one',
      '  --help       prints this',
      '',
      'Examples',
      '  npm run thing -- --rate 7  more often',
      '',
      'Exit code 1: it broke.',
    ].join('\n'),
  );
  const { values, positionals } = parsedBy(spec, ['one', '--no-demo', '--only', 'a', '--only', 'b']);
  t.deepEqual({ ...values }, { rate: '5', demo: false, only: ['a', 'b'] });
  t.deepEqual(positionals, ['one']);
  t.throws(() => parsedBy(spec, ['--rate']), { instanceOf: Trouble, message: /rate.*--help/s });
});

test('a reader that has seen enough ends a command without a word', async (t) => {
  const env = { ...process.env, TOKEN_KEYS: `test:${'k'.repeat(40)}` };
  const child = spawn(process.execPath, ['local/commands/token.ts', '--customer', 'alice'], { env, timeout: 60_000 });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const [code] = (await once(child, 'close')) as [number];
  t.is(stderr, '');
  t.is(code, 0);
});
