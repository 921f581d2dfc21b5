import type { EntityStore } from './store.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';
import { WAKE } from '#shared/message.ts';

/** A wake that was sent is not sent again for this long, ms, unless the key got another due time. */
const PATIENCE_MS = 5000;
const BATCH = 500;

/**
 * Finds the keys that are due and sends each a wake, on its own route, past the gate. Any copy of a service may sweep:
 * a wake too many changes nothing. Returns the function that stops it.
 */
export function startSweep<State>(options: {
  readonly route: string;
  readonly bus: Bus;
  readonly store: EntityStore<State>;
  readonly clock: Clock;
  readonly log: Log;
  readonly everyMs: number;
}): () => void {
  const { route, bus, store, clock, log, everyMs } = options;
  const sentAt = new Map<string, number>();
  let stopped = false;
  let failing = false;
  let cancel = clock.after(everyMs, () => void sweep());

  async function sweep(): Promise<void> {
    try {
      const now = clock.now();
      for (const [id, at] of sentAt) if (now - at > PATIENCE_MS) sentAt.delete(id);
      const due = await store.due(now, BATCH);
      await Promise.all(due.map(({ key, dueAt }) => wake(key, dueAt, now)));
      failing = false;
    } catch (error) {
      if (!failing) log.warn('cannot wake what is due, will try again', { route, reason: reasonOf(error) });
      failing = true;
    }
    if (!stopped) cancel = clock.after(everyMs * (0.75 + clock.random() / 2), () => void sweep());
  }

  async function wake(key: string, dueAt: number, now: number): Promise<void> {
    const id = `${WAKE}:${key}:${dueAt}`;
    if (sentAt.has(id)) return;
    await bus.publish(`${route}.hash`, encode({ id, type: WAKE, key, body: {}, correlationId: key }));
    sentAt.set(id, now);
  }

  return () => {
    stopped = true;
    cancel();
  };
}
