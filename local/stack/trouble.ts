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
function isUsage(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}
