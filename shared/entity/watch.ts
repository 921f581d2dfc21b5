import { createHash } from 'node:crypto';
import type { MessageTask, Settling } from './mailbox.ts';
import type { EngineOptions } from './options.ts';
import { backoffMs } from '#shared/backoff.ts';
import { encodeSend, sentAtOf } from '#shared/bus/envelope.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import { insist } from '#shared/insist.ts';
import type { Log } from '#shared/log.ts';
import { WAKE, type Message } from '#shared/message.ts';

export interface GivingBackOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly route: string;
  /** When something of a queue waits that has not come on for this long, all of the queue goes back: half a TTL. */
  readonly patienceMs: number;
  /** Unacknowledged deliveries are in hand. */
  readonly waiting: () => boolean;
  /** By queue: since when that stands still which does so longest, epoch ms. */
  readonly standing: () => ReadonlyMap<string, number>;
  /** The queues that are consumed at present. */
  readonly held: () => readonly string[];
  readonly close: (queue: string) => Promise<void>;
  readonly open: (queue: string) => Promise<void>;
}

export interface GivingBack {
  /** The first delivery came after there was none in hand. */
  busy(): void;
  /** Something of the queue was acknowledged; stashing ends in it too. */
  progress(queue: string): void;
  /** Gives all queues back without waiting for a standstill, except those that are on their way back already. */
  now(reason: string): void;
  /** Ends the watch at once; what it was opening is the caller's to close. */
  stop(): void;
}

/**
 * Closes the channels of those queues on which an engine cannot work: database down, effects hanging. The broker takes everything of
 * them back in place, where it expires and the circuit breaker sees it; prefetched messages would wait unseen. Consuming is tried
 * again with a growing pause. Queues on which all comes on keep their channels.
 */
export function watchForStandstill(options: GivingBackOptions): GivingBack {
  const { clock, log, route, patienceMs } = options;
  const ended = new AbortController();
  const isWanted = (): boolean => !ended.signal.aborted;
  /** Given back, and not consumed again yet. */
  const away = new Set<string>();
  /** By queue: how often it was given back since something of it was acknowledged. */
  const times = new Map<string, number>();
  let watching = false;
  let cancel = (): void => {};
  watch();

  /** No timer runs while nothing is in hand. */
  function watch(waitMs = patienceMs): void {
    watching = options.waiting();
    if (watching) cancel = clock.after(waitMs, look);
  }

  function look(): void {
    const now = clock.now();
    const standing = [...options.standing()].filter(([queue]) => !away.has(queue));
    const still = standing.filter(([, since]) => now - since >= patienceMs);
    const next = Math.min(now, ...standing.map(([, since]) => (now - since >= patienceMs ? now : since)));
    watch(Math.max(1, next + patienceMs - now));
    if (still.length > 0) {
      const longestMs = now - Math.min(...still.map(([, since]) => since));
      void giveBack(
        still.map(([queue]) => queue),
        `something has not come on for ${longestMs} ms`,
      );
    }
  }

  async function giveBack(queues: readonly string[], reason: string): Promise<void> {
    for (const queue of queues) {
      away.add(queue);
      times.set(queue, (times.get(queue) ?? 0) + 1);
    }
    const tries = Math.max(...queues.map((queue) => times.get(queue) ?? 1));
    const pauseMs = backoffMs({ baseMs: patienceMs / 2, capMs: patienceMs * 2 }, tries, clock.random);
    log.warn('what does not come on goes back to the broker', { route, queues, reason, pauseMs });
    const how = { fields: { route, queues }, backoff: { baseMs: patienceMs / 8, capMs: patienceMs / 8 }, isWanted };
    const each = (change: (queue: string) => Promise<void>) => async () => {
      await Promise.all(queues.map(change));
    };
    const closing = { ...how, warning: 'channels cannot be closed, still trying', signal: ended.signal };
    await insist(options, closing, each(options.close));
    await clock.sleep(pauseMs, ended.signal).catch(() => {});
    const opening = { ...how, warning: 'consuming could not be taken up again, still trying', signal: ended.signal };
    await insist(options, opening, each(options.open));
    for (const queue of queues) away.delete(queue);
  }

  return {
    busy() {
      if (!watching && isWanted()) watch();
    },
    progress(queue) {
      times.delete(queue);
    },
    now(reason) {
      const queues = options.held().filter((queue) => !away.has(queue));
      if (queues.length > 0 && isWanted()) void giveBack(queues, reason);
    },
    stop() {
      cancel();
      ended.abort(new Error('the engine stops'));
    },
  };
}

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
