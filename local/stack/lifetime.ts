import { toldOf } from './trouble.ts';

export interface Lifetime {
  /** Runs at the end, latest first; everything that was started is stopped whatever ends it. */
  onStop(stop: () => Promise<void>): void;
  /** Runs at once when the end begins. */
  onEnding(run: () => void): void;
  /** Ends it with exit code 1 and this reason. */
  fail(reason: Error): void;
  /** Ends it; `lastLine` is printed when everything is stopped. */
  finish(code: number, lastLine: string): void;
}

export interface LifetimeOptions {
  /** Exit code after a signal. */
  readonly signalCode: number;
  /** Printed at the very end when it failed or was ended; told why. */
  readonly failureLine?: (why: string) => string;
}

/** A second signal within this time is the same Ctrl-C arriving twice (from the terminal and through `npm`). */
const SAME_SIGNAL_MS = 1500;

/**
 * Runs `work` and keeps the process until a signal, the death of the launcher or a failure ends it; then stops what was
 * started. A second signal kills what still runs with this process.
 */
export async function lifetime(
  { signalCode, failureLine = () => '' }: LifetimeOptions,
  work: (lifetime: Lifetime) => Promise<void>,
): Promise<void> {
  const stops: (() => Promise<void>)[] = [];
  const over = Promise.withResolvers<number>();
  let firstSignalAt: number | undefined;
  let ending = false;
  let onEnding = (): void => {};
  let lastLine: string | undefined;
  const end = (code: number, why?: string): void => {
    if (!ending && why !== undefined) lastLine = failureLine(why);
    if (!ending) onEnding();
    ending = true;
    over.resolve(code);
  };

  const onSignal = (signal: string): void => {
    firstSignalAt ??= Date.now();
    if (Date.now() - firstSignalAt > SAME_SIGNAL_MS) process.exit(130); // the children end with their parent
    if (!ending) process.stdout.write('\nStopping ...\n');
    end(signalCode, `ended by ${signal}`);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  process.on('disconnect', () => onSignal('the end of its launcher'));
  process.channel?.unref();
  process.stdout.on('error', () => {}); // the terminal is gone: stop, do not crash

  const fail = (reason: Error): void => {
    if (!ending) process.stderr.write(`${toldOf(reason)}\n`);
    end(1, toldOf(reason));
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', (reason) => fail(reason instanceof Error ? reason : new Error(String(reason))));

  const keepAlive = setInterval(() => {}, 3_600_000);
  const finish = (result: number, line: string): void => {
    if (!ending) lastLine = line;
    end(result);
  };
  const parts = {
    onStop: (stop: () => Promise<void>) => void stops.push(stop),
    onEnding: (run: () => void) => (onEnding = run),
  };
  const working = work({ ...parts, fail, finish }).catch(fail);
  const code = await over.promise;
  await Promise.race([working, new Promise((resolve) => setTimeout(resolve, 500))]);
  while (stops.length > 0) {
    const stop = stops.pop();
    await stop?.().catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
  }
  clearInterval(keepAlive);
  if (lastLine) process.stdout.write(`${lastLine}\n`);
  process.exit(code);
}
