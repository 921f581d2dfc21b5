import { toldOf, Trouble } from '#local/stack/trouble.ts';

/**
 * Runs a short command: what a person can mend is one sentence on standard error, and the exit code is 1. It ends when the reader
 * of its output does (`| head`).
 */
export async function command(run: () => Promise<void>): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  try {
    await run();
  } catch (error) {
    process.stderr.write(`${toldOf(error)}\n`);
    process.exitCode = 1;
  }
}

/** An option's number. @throws {Trouble} when it is none, or out of bounds */
export function numberOf(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= min && value <= max))
    throw new Trouble(`${name} is a number from ${min} to ${max}, not ${JSON.stringify(text)}`);
  return value;
}

/** The same of a whole number. */
export function wholeOf(name: string, text: string, min: number, max: number): number {
  const value = numberOf(name, text, min, max);
  if (!Number.isInteger(value)) throw new Trouble(`${name} is a whole number, not ${JSON.stringify(text)}`);
  return value;
}
