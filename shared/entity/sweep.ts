import { createHash } from 'node:crypto';
import type { EngineOptions } from './options.ts';
import { encodeSend } from '#shared/bus/envelope.ts';
import { reasonOf } from '#shared/errors.ts';
import { WAKE, type Message } from '#shared/message.ts';

/** Longer keys stand in ids as their hash: an AMQP short string holds 255 bytes. */
const LONGEST_KEY_BYTES = 150;

/** The message that wakes a key, with ids that fit for every key. */
export function wakeOf(key: string, dueAt: number): Message {
  const name = Buffer.byteLength(key) <= LONGEST_KEY_BYTES ? key : createHash('sha256').update(key).digest('hex');
  return { id: `${WAKE}:${name}:${dueAt}`, type: WAKE, key, body: {}, correlationId: name };
}

/**
 * Finds the keys that are due, fairly over the partitions, and sends each a wake on its own route, past the gate. No second one is
 * sent as long as the first may be on its way, which is for a TTL, unless the key was worked on and has another due time. Any copy of
 * a service may sweep: a wake too many changes nothing. Returns the function that stops it.
 */
export function startSweep<State>(
  options: Pick<EngineOptions<State>, 'entity' | 'bus' | 'store' | 'clock' | 'log' | 'limits'>,
): () => void {
  const { bus, store, clock, log, limits } = options;
  const { route } = options.entity;
  /** By key, oldest first. */
  const onItsWay = new Map<string, { readonly dueAt: number; readonly since: number }>();
  let stopped = false;
  let failing = false;
  let cancel = clock.after(limits.sweepMs, () => void sweep());

  async function sweep(): Promise<void> {
    try {
      const now = clock.now();
      for (const [key, { since }] of onItsWay) {
        if (now - since <= limits.ttlMs) break;
        onItsWay.delete(key);
      }
      const due = await store.due(now, limits.sweepSize);
      await Promise.all(due.map(({ key, dueAt }) => wake(key, dueAt, now)));
      failing = false;
    } catch (error) {
      if (!failing) log.warn('cannot wake what is due, will try again', { route, reason: reasonOf(error) });
      failing = true;
    }
    if (!stopped) cancel = clock.after(limits.sweepMs * (0.75 + clock.random() / 2), () => void sweep());
  }

  async function wake(key: string, dueAt: number, since: number): Promise<void> {
    if (onItsWay.get(key)?.dueAt === dueAt) return;
    const send = { exchange: `${route}.hash`, message: wakeOf(key, dueAt) };
    await bus.publish(send.exchange, encodeSend(send));
    onItsWay.delete(key);
    onItsWay.set(key, { dueAt, since });
  }

  return () => {
    stopped = true;
    cancel();
  };
}
