/** `npm run executors`: the executors' roles, live. */
import { apiOf } from './api.ts';
import { command } from './command.ts';
import { apiOptions, commandLine, commandSpec } from './command-line.ts';
import { executorLines } from './executor-lines.ts';
import type { ExecutorView } from '#services/executor/shapes.ts';
import { Trouble } from '#local/stack/trouble.ts';
import { systemClock } from '#shared/clock.ts';

const EVERY_MS = 500;

const spec = commandSpec({
  call: 'npm run executors --',
  does: 'Shows who of the executors leads, in which term, and how far each copy of the order queue is; live in a terminal, elsewhere anew with each change, until Ctrl-C.',
  options: {
    once: { type: 'boolean', default: false, means: 'shows it once' },
    ...apiOptions,
  },
  examples: [['--once', 'how it is now']],
  exits: '1: nothing answers, or, with --once, nobody leads.',
});
const { values } = commandLine(spec);

await command(async () => {
  const api = apiOf(values);
  for (let before = ''; ;) {
    const { status, body } = await api.get<readonly ExecutorView[]>('/v1/executors');
    if (status !== 200) throw new Trouble(`The API answers ${status}: the token has to be an operator's.`);
    const text = `${executorLines(body).join('\n')}\n`;
    if (text !== before) process.stdout.write(process.stdout.isTTY ? `${over(before)}${text}` : `${text}\n`);
    before = text;
    if (values.once) {
      if (!body.some(({ role, alive }) => alive && role === 'leader')) process.exitCode = 1;
      return;
    }
    await systemClock.sleep(EVERY_MS);
  }
});

/** Back to the first line of what was written, and nothing below it (ECMA-48: CPL, ED). */
function over(written: string): string {
  return written === '' ? '' : `\u001B[${written.split('\n').length - 1}F\u001B[J`;
}
