import { systemClock } from '#shared/clock.ts';

export interface UntilOptions<T> {
  readonly limitMs?: number;
  readonly everyMs?: number;
  /** Told when time is up; its text becomes part of the error. */
  readonly show?: (last: T | undefined) => string;
}

/**
 * Reads again and again until `holds`; returns what was read then. Throws with the last value read, or the last error, when
 * the time is up.
 */
export async function until<T>(
  what: string,
  read: () => Promise<T> | T,
  holds: (value: T) => boolean,
  { limitMs = 60_000, everyMs = 50, show }: UntilOptions<T> = {},
): Promise<T> {
  const deadline = systemClock.now() + limitMs;
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
    if (systemClock.now() > deadline) {
      const seen = trouble === undefined ? JSON.stringify(last, null, 1) : String(trouble);
      throw new Error(`not so after ${limitMs} ms: ${what}\nlast: ${seen?.slice(0, 6000)}\n${show?.(last) ?? ''}`, {
        cause: trouble,
      });
    }
    await systemClock.sleep(everyMs);
  }
}

/** What the last lines of a stack's logs say, of one order or of all; for the message of a failed test. */
export function tail(logs: readonly string[], about = '', lines = 40): string {
  return logs
    .filter((line) => line.includes(about))
    .slice(-lines)
    .join('\n');
}
