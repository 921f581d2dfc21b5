/** What stops a start and what to do about it, in one sentence for the person at the terminal: shown without a stack. */
export class Trouble extends Error {
  override readonly name = 'Trouble';
}

/** What a person is told of an error: one sentence about what can be mended, a wrong option included; else where it came from. */
export function toldOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (isUsage(error)) return error.message.split('. ', 1)[0] ?? '';
  return error instanceof Trouble ? error.message : (error.stack ?? error.message);
}

/** `parseArgs` did not understand an option. */
export function isUsage(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

/** A probe that becomes true, or a `Trouble` that names what did not happen. */
export async function until(
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
