import type { MessageTask, Settling } from './mailbox.ts';
import { backoffMs } from '#shared/backoff.ts';
import { sentAtOf } from '#shared/bus/envelope.ts';
import type { Clock } from '#shared/clock.ts';
import { insist } from '#shared/insist.ts';
import type { Log } from '#shared/log.ts';

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

export interface HangWatch {
  /** An effect of this type took longer than its limit, for this key. */
  timedOut(type: string, key: string): void;
  succeeded(type: string): void;
  /** Several keys hang in this type of late, and none has succeeded for as long as an effect may take: it is not the keys. */
  isWidespread(type: string): boolean;
}

/**
 * Tells an effect that hangs for everybody from a key in trouble. One key's messages belong into its stash; those of
 * everybody belong back on the queue, where they expire and the circuit breaker sees them. See
 * `docs/adr/0006-a-hanging-effect-is-given-back.md`.
 */
export function watchForHanging(options: {
  readonly now: () => number;
  readonly effectMs: number;
  readonly keysUntilWidespread: number;
  /** How long a time-out counts; longer than a key that hangs waits for its next try. */
  readonly rememberMs: number;
}): HangWatch {
  const { now, effectMs, keysUntilWidespread, rememberMs } = options;
  /** By type and key: when it timed out last, epoch ms. */
  const hanging = new Map<string, Map<string, number>>();
  const succeededAt = new Map<string, number>();
  return {
    timedOut(type, key) {
      const keys = hanging.get(type) ?? new Map<string, number>();
      hanging.set(type, keys);
      keys.delete(key); // the oldest stay in front
      keys.set(key, now());
      for (const [old, at] of keys) {
        if (now() - at <= rememberMs) break;
        keys.delete(old);
      }
    },
    succeeded(type) {
      hanging.delete(type);
      succeededAt.set(type, now());
    },
    isWidespread: (type) =>
      (hanging.get(type)?.size ?? 0) >= keysUntilWidespread && now() - (succeededAt.get(type) ?? 0) >= effectMs,
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
