/**
 * The only source of time, timers and randomness. Everything else receives a `Clock`, so that a run can be replayed
 * under a virtual one; the linter bans `Date.now`, `setTimeout` and `Math.random` outside this file.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds since some moment. What is measured with it stays right when somebody sets the machine's time. */
  elapsed(): number;
  /** Calls `run` once after `ms` milliseconds. The returned function cancels it; calling that late is harmless. */
  after(ms: number, run: () => void): () => void;
  /** Calls `run` once what has already arrived was taken in: the turn in which work is gathered into one batch. */
  soon(run: () => void): void;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** A number in [0, 1). */
  random(): number;
  /** A new opaque id, sortable by creation time (UUID version 7, RFC 9562). */
  id(): string;
}

/** Builds a clock from its primitives; `sleep` and `id` follow from them. */
export function clockFrom(primitives: Pick<Clock, 'now' | 'elapsed' | 'after' | 'soon' | 'random'>): Clock {
  const { now, elapsed, after, soon, random } = primitives;
  return {
    now,
    elapsed,
    after,
    soon,
    random,
    sleep: (ms, signal) => sleep(after, ms, signal),
    id: () => uuidV7(now(), random),
  };
}

function sleep(after: Clock['after'], ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason as Error);
    };
    const cancel = after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

function uuidV7(now: number, random: () => number): string {
  const hex = (digits: number): string =>
    Math.floor(random() * 16 ** digits)
      .toString(16)
      .padStart(digits, '0');
  const time = now.toString(16).padStart(12, '0');
  const variant = (8 + Math.floor(random() * 4)).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(3)}-${variant}${hex(3)}-${hex(6)}${hex(6)}`;
}

/** The clock of the running machine. */
export const systemClock: Clock = clockFrom({
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  soon(run) {
    setImmediate(run);
  },
  random: () => Math.random(),
});
