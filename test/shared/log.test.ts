import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';

/** What a process wrote that logs `one` and `two` in two logs, and `last` in the turn in which it ends like this. */
function written(ending: string): readonly string[] {
  const script = `
    import { createLog } from ${JSON.stringify(join(process.cwd(), 'shared/log.ts'))};
    const [a, b] = [createLog('a', 'info'), createLog('b', 'info')];
    a.info('one', { n: 1 });
    b.with({ of: 'b' }).warn('two');
    a.debug('not told');
    setTimeout(() => { a.info('last'); ${ending} }, 5);
  `;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  return stdout.trimEnd().split('\n');
}

test('what all logs of a process say stands in its order, and nothing is left when the process ends', (t) => {
  for (const ending of ['', 'process.exit(3);', 'throw new Error("unforeseen");']) {
    const lines = written(ending).map((line) => JSON.parse(line) as Record<string, unknown>);
    t.deepEqual(
      lines.map(({ service, msg, n, of, level }) => [service, level, msg, n ?? of]),
      [
        ['a', 'info', 'one', 1],
        ['b', 'warn', 'two', 'b'],
        ['a', 'info', 'last', undefined],
      ],
      ending,
    );
  }
});
