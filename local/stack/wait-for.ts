import { Trouble } from './trouble.ts';

/** For a server of our own to start: its end is told at once, so what still starts is on a busy machine. */
export const START_LIMIT_MS = 300_000;

/** A probe that becomes true, or a `Trouble` that names what did not happen. */
export async function waitFor(
  what: string,
  limitMs: number,
  probe: () => Promise<boolean>,
  stop?: () => string | undefined,
): Promise<void> {
  const started = Date.now();
  let last = '';
  for (;;) {
    const reason = stop?.();
    if (reason !== undefined) throw new Trouble(`${what}: ${reason}`);
    try {
      if (await probe()) return;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    if (Date.now() - started > limitMs)
      throw new Trouble(`${what} did not happen within ${limitMs / 1000} s${last && `: ${last}`}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
