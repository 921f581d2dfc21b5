import { availableParallelism, loadavg } from 'node:os';
import { systemClock } from '#shared/clock.ts';

export interface UntilOptions<T> {
  /** On a quiet machine; a busy one gets more (`patience`). */
  readonly limitMs?: number;
  readonly everyMs?: number;
  /** Told when time is up; its text becomes part of the error. */
  readonly show?: (last: T | undefined) => string;
}

/** What never stands still is not waited for without end. */
const LONGEST_MS = 900_000;
/** A machine with more to do than it has cores is given so many times the time, at most. */
const MOST_PATIENCE = 6;

/** What takes `ms` at most on a quiet machine may take so long now: as many times more as there is work for each core. */
export function patience(ms: number): number {
  return ms * Math.min(MOST_PATIENCE, Math.max(1, loadavg()[0]! / availableParallelism()));
}

/**
 * Reads again and again until `holds`; returns what was read then. Throws with the last value read, or the last error, when
 * that has not changed for as long as the limit is: what still moves is waited for.
 */
export async function until<T>(
  what: string,
  read: () => Promise<T> | T,
  holds: (value: T) => boolean,
  { limitMs = 60_000, everyMs = 50, show }: UntilOptions<T> = {},
): Promise<T> {
  const startedAt = systemClock.now();
  let movedAt = startedAt;
  let seen: string | undefined;
  let last: T | undefined;
  let trouble: unknown;
  for (;;) {
    try {
      last = await read();
      trouble = undefined;
      if (holds(last)) return last;
    } catch (error) {
      trouble = error;
    }
    const now = systemClock.now();
    const before = seen;
    seen = trouble === undefined ? shown(last) : String(trouble);
    if (seen !== before) movedAt = now;
    if (now > movedAt + patience(limitMs) || now > startedAt + LONGEST_MS) {
      const since = `after ${now - startedAt} ms, the last ${now - movedAt} of them without any change`;
      throw new Error(`not so ${since}: ${what}\nlast: ${seen?.slice(0, 6000)}\n${show?.(last) ?? ''}`, {
        cause: trouble,
      });
    }
    await systemClock.sleep(everyMs);
  }
}

function shown(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, null, 1);
  } catch {
    return String(value);
  }
}

/** Waits for a condition. */
export async function untilTrue(condition: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<void> {
  await until(String(condition), condition, Boolean, { limitMs, everyMs: 5 });
}

/** What the last lines of a stack's logs say, of one order or of all; for the message of a failed test. */
export function tail(logs: readonly string[], about = '', lines = 40): string {
  return logs
    .filter((line) => line.includes(about))
    .slice(-lines)
    .join('\n');
}
