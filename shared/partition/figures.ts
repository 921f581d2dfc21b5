import type { Announcement } from './announcement.ts';
import type { QueueFigures } from '#shared/entity/options.ts';

/** A rate is over at least this long, ms: announcements come faster. */
const WINDOW_MS = 2000;

/** What a worker announces of its work: the age of the oldest message in hand, how long others had waited, and rates over the last seconds. */
export function createFigures(options: {
  /** By partition index. */
  readonly queues: readonly string[];
  readonly read: () => ReadonlyMap<string, QueueFigures>;
  readonly now: () => number;
}): () => Pick<Announcement, 'rates' | 'partitions'> {
  const { queues, read, now } = options;
  let from = { at: now(), handled: new Map<string, number>() };
  let last = from;

  return () => {
    const figures = read();
    const at = now();
    if (at - last.at >= WINDOW_MS) {
      from = last;
      last = { at, handled: new Map([...figures].map(([queue, { handled }]) => [queue, handled])) };
    }
    const seconds = Math.max(1, (at - from.at) / 1000);
    const partitions = Object.fromEntries(
      [...figures].map(([queue, { oldestSince, waitedMs, handled }]) => [
        queues.indexOf(queue),
        {
          oldestMs: oldestSince === undefined ? null : Math.max(0, at - oldestSince),
          waitedMs: waitedMs ?? null,
          handledPerS: (handled - (from.handled.get(queue) ?? 0)) / seconds,
        },
      ]),
    );
    const handledPerS = Object.values(partitions).reduce((sum, one) => sum + one.handledPerS, 0);
    return { rates: { handledPerS }, partitions };
  };
}
