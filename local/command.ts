import { reasonOf } from '#shared/errors.ts';
import { Trouble } from './trouble.ts';

/** Runs a short command: what a person can mend is one sentence on standard error, and the exit code is 1. */
export async function command(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    const isUsage = error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
    process.stderr.write(
      `${error instanceof Trouble || isUsage || !(error instanceof Error) ? reasonOf(error) : error.stack}\n`,
    );
    process.exitCode = 1;
  }
}
