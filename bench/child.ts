import { fork } from 'node:child_process';
import { join } from 'node:path';
import { CannotRun, type Sample } from './arm.ts';
import type { World } from './world.ts';
import { projectDir } from '#local/stack/own-process.ts';

export interface ChildAnswer {
  readonly samples: readonly Sample[];
}

export interface ChildOptions {
  /** Node's own. */
  readonly flags?: readonly string[];
  readonly cwd?: string;
}

const KEPT_LINES = 15;

/** Runs a file of the benchmark as a process with a task, until it has told its samples. @throws {CannotRun} with its last words */
export async function inChild(
  world: World,
  file: string,
  task: object,
  options: ChildOptions = {},
): Promise<readonly Sample[]> {
  const child = fork(join(projectDir, file), [JSON.stringify(task)], {
    cwd: options.cwd ?? projectDir,
    execArgv: ['--disable-warning=ExperimentalWarning', ...(options.flags ?? [])],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let tail: readonly string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      tail = [...tail, ...text.trimEnd().split('\n')].slice(-KEPT_LINES);
    });
  let answer: ChildAnswer | undefined;
  child.on('message', (message: ChildAnswer) => (answer = message));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  world.onStop(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await ended;
  if (answer === undefined) throw new CannotRun(`${file} ended with ${child.exitCode}: ${tail.join('\n')}`);
  return answer.samples;
}

/** In the child: what it has to do. */
export function taskOf<Task>(): Task {
  process.on('disconnect', () => process.exit(1));
  return JSON.parse(process.argv[2] ?? '{}') as Task;
}

/** In the child: its last word. */
export function tell(answer: ChildAnswer): void {
  process.removeAllListeners('disconnect');
  process.send?.(answer, () => process.exit(0));
}
