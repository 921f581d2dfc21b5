import type { MessageTask, Settling } from './mailbox.ts';
import { sentAtOf } from '#shared/bus/envelope.ts';

/** How long messages waited from their publish until they took effect: for the broker, their turn, their document, the commit. */
export interface Waits {
  /** It was committed. */
  ended(settling: Pick<Settling, 'receipt' | 'waitsSince'>, now: number): void;
  /** By queue, ms: the average of the last second or two; nothing for a queue of which nothing was committed. */
  recent(now: number): ReadonlyMap<string, number>;
}

const WINDOW_MS = 900;
/** One message that was held up for long is not to count like hundreds. */
const MOST_MS = 2000;

/** Where the publisher's clock is ahead of this one, a message counts as not having waited. */
export function createWaits(): Waits {
  let windowAt = 0;
  let sums = new Map<string, { ms: number; count: number }>();
  let averages: ReadonlyMap<string, number> = new Map();

  return {
    ended({ receipt, waitsSince }, now) {
      if (receipt === undefined || waitsSince === undefined) return;
      const { queue } = receipt.delivery;
      let sum = sums.get(queue);
      if (sum === undefined) sums.set(queue, (sum = { ms: 0, count: 0 }));
      sum.ms += Math.min(MOST_MS, Math.max(0, now - waitsSince));
      sum.count += 1;
    },
    recent(now) {
      if (now - windowAt >= WINDOW_MS) {
        averages = new Map([...sums].map(([queue, { ms, count }]) => [queue, ms / count]));
        windowAt = now;
        sums = new Map();
      }
      return averages;
    },
  };
}

/**
 * From when on what a task's handler made waits, epoch ms: the publish of its message, later by the time that the handler took.
 * `undefined`: no message, or one that was held up by something else than its line.
 */
export function waitsSince(task: MessageTask, startedAt: number, endedAt: number): number | undefined {
  if (task.attempts > 0) return undefined;
  const sentAt = sentAtOf(task.receipt.delivery);
  return sentAt === undefined ? undefined : sentAt + endedAt - startedAt;
}
