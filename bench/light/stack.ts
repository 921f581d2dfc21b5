import { fork } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CannotRun } from '#bench/arm.ts';
import type { World } from '#bench/world.ts';
import type { Addresses } from '#local/stack/addresses.ts';
import { projectDir } from '#local/stack/own-process.ts';
import { waitFor } from '#local/stack/wait-for.ts';
import { reasonOf } from '#shared/errors.ts';

export interface StartedStack extends AsyncDisposable {
  readonly addresses: Addresses;
  /** The process that `npm start` runs: everything of the stack descends from it. */
  readonly pid: number;
}

const START_LIMIT_MS = 180_000;
const KEPT_LINES = 20;

/** What `npm start` starts, with a folder of its own. */
export async function startStack(world: World, name: string, args: readonly string[]): Promise<StartedStack> {
  const dir = join(world.dir, name);
  mkdirSync(dir, { recursive: true });
  const child = fork(join(projectDir, 'local/commands/start.ts'), ['--no-demo', ...args], {
    cwd: projectDir,
    env: { ...process.env, SWITCHYARD_DIR: dir },
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let tail: readonly string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      tail = [...tail, ...text.trimEnd().split('\n')].slice(-KEPT_LINES);
    });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const stop = async (): Promise<void> => {
    if (!isOver()) child.kill('SIGTERM');
    await ended;
  };
  world.onStop(stop);
  const file = join(dir, 'addresses.json');
  try {
    await waitFor(
      'the start of the stack',
      START_LIMIT_MS,
      async () => existsSync(file),
      () => (isOver() ? tail.join('\n') : undefined),
    );
  } catch (error) {
    await stop();
    throw new CannotRun(reasonOf(error));
  }
  const addresses = JSON.parse(readFileSync(file, 'utf8')) as Addresses;
  return { addresses, pid: child.pid!, [Symbol.asyncDispose]: stop };
}
