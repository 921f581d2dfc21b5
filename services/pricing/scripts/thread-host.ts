import { Worker } from 'node:worker_threads';
import type { Clock } from '#shared/clock.ts';
import type { Asked, Told } from './batch.ts';
import type { ScriptLimits } from './limits.ts';
import { MOVES, type ThreadData, TURN } from './thread-data.ts';

/** The thread is gone, with what it was asked last. */
export class ThreadEnded extends Error {
  override readonly name = 'ThreadEnded';
  /** `unready`: it never came up, which is no script's doing. */
  readonly why: 'stuck' | 'crashed' | 'closed' | 'unready';
  /** The group whose turn it was. */
  readonly group: number;

  constructor(why: ThreadEnded['why'], group: number, options?: ErrorOptions) {
    super(`the thread of scripts ended: ${why}`, options);
    this.why = why;
    this.group = group;
  }
}

/** One thread from outside. It holds the process only while it is asked something. */
export interface Thread {
  /** One question at a time. @throws {ThreadEnded} */
  ask(asked: Asked, transfer?: readonly ArrayBuffer[]): Promise<Told>;
  end(): Promise<void>;
}

/** Of what a thread needs beside the engine's memory: the parser and the messages. */
const THREAD_HEAP = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 } as const;

/** After so many looks a thread that gets no processor time, or does not say how much, is given up, too. */
const MOST_LOOKS = 20;

interface Look {
  readonly moves: number;
  times: number;
  /** Processor time that the thread had had when its count was first seen to stand still. */
  microseconds?: number;
}

export function startThread(limits: ScriptLimits, clock: Clock): Thread {
  const progress = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(new URL('./thread.ts', import.meta.url), {
    workerData: { limits, progress } satisfies ThreadData,
    resourceLimits: THREAD_HEAP,
    env: {},
    execArgv: [],
    stdin: false,
  });
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => {});
  let waiting: PromiseWithResolvers<Told> | undefined;
  let isReady = false;
  let ended: ThreadEnded | undefined;
  let unwatch = (): void => {};

  const over = (why: ThreadEnded['why'], cause?: unknown): void => {
    unwatch();
    ended ??= new ThreadEnded(isReady || why === 'closed' ? why : 'unready', Atomics.load(progress, TURN), { cause });
    ready.reject(ended);
    waiting?.reject(ended);
    waiting = undefined;
    worker.unref();
  };
  const stuck = (): void => {
    over('stuck');
    void worker.terminate();
  };
  /** Two looks at a count that stands still, with so much processor time between them; on a busy machine that takes longer. */
  const watch = (last: Look): void => {
    unwatch = clock.after(limits.stuckMs, () => {
      const moves = Atomics.load(progress, MOVES);
      if (moves !== last.moves) return watch({ moves, times: 0 });
      if (last.times >= MOST_LOOKS) return stuck();
      const asked = waiting;
      const judge = ({ user, system }: { readonly user: number; readonly system: number }): void => {
        if (waiting !== asked || Atomics.load(progress, MOVES) !== moves) return;
        last.microseconds ??= user + system;
        if (user + system - last.microseconds >= limits.stuckMs * 1_000) stuck();
      };
      worker.cpuUsage().then(judge, () => {});
      last.times += 1;
      watch(last);
    });
  };
  worker.on('message', (told: Told) => {
    if ('ready' in told) {
      isReady = true;
      ready.resolve();
      return;
    }
    unwatch();
    worker.unref();
    const answered = waiting;
    waiting = undefined;
    answered?.resolve(told);
  });
  worker.on('error', (error) => over('crashed', error));
  worker.on('exit', () => over('crashed'));
  worker.unref();

  return {
    async ask(asked, transfer = []) {
      worker.ref();
      await ready.promise;
      // It ended before it was asked: no script's doing.
      if (ended) throw new ThreadEnded('unready', 0, { cause: ended });
      waiting = Promise.withResolvers<Told>();
      const { promise } = waiting;
      watch({ moves: Atomics.load(progress, MOVES), times: 0 });
      worker.postMessage(asked, [...transfer]);
      return promise;
    },
    async end() {
      over('closed');
      await worker.terminate();
    },
  };
}
