import { execFile } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { projectDir } from '#local/stack/own-process.ts';
import { anyFreePort } from '#local/stack/ports.ts';

interface Ended {
  readonly code: unknown;
  readonly out: string;
  readonly told: string;
}

function run(file: string, ...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const argv = [join(projectDir, 'local/commands', file), ...args];
    execFile(process.execPath, argv, { timeout: 120_000 }, (error, out, told) =>
      resolve({ code: error?.code ?? 0, out, told }),
    );
  });
}

for (const [file, ...args] of [
  ['status.ts'],
  ['audit.ts'],
  ['executors.ts', '--once'],
  ['dead-letters.ts', 'list'],
  ['strategy.ts', 'list'],
] as const) {
  test(`${file} says in one sentence that nobody answers, and ends with 1`, async (t) => {
    const api = `http://127.0.0.1:${await anyFreePort()}`;
    const { code, out, told } = await run(file, ...args, '--api', api, '--token', 'any');
    t.is(told, `The API at ${api} does not answer (connect ECONNREFUSED ${api.slice(7)}): is its stack running?\n`);
    t.is(out, '');
    t.is(code, 1);
  });
}
