import { ProvisionError } from './management.ts';
import { systemClock } from '#shared/clock.ts';

/** So long a broker that starts, or has much to do, is waited for, unless another time is given. */
export const BROKER_WAIT_MS = 120_000;
const BETWEEN_MS = 1000;

/**
 * Runs `attempt`, which can be repeated, again and again as long as it fails for a reason that may pass: a broker that starts, a
 * request that is answered late. No attempt begins later than `waitMs` after the first; then, and at once for any other
 * reason, it rejects with what the last one met. Not `insist`: it gives up, so that a command ends.
 */
export async function patiently<Result>(
  attempt: () => Promise<Result>,
  waitMs = BROKER_WAIT_MS,
  onWait: (reason: string) => void = () => {},
): Promise<Result> {
  const giveUpAt = systemClock.elapsed() + waitMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const left = giveUpAt - systemClock.elapsed();
      if (!(error instanceof ProvisionError && error.transient) || left <= 0) throw error;
      onWait(error.message);
      await systemClock.sleep(Math.min(BETWEEN_MS, left));
    }
  }
}
