import { Problem, retryAfter } from './problems.ts';
import type { RefusedBy } from './submit.ts';
import type { Roll } from './worker-roll.ts';
import type { Clock } from '#shared/clock.ts';
import type { Log } from '#shared/log.ts';
import { PREFETCH } from '#shared/entity/limits.ts';

/** How long a client is to wait before another try, ms; `undefined`: this one is taken. */
export type Shed = () => number | undefined;

export interface LoadSheddingOptions {
  readonly clock: Pick<Clock, 'now' | 'random'>;
  /** Whether the workers have their hands full. */
  readonly saturated: () => boolean;
  readonly log: Pick<Log, 'warn' | 'info'>;
}

const WINDOW_MS = 1000;
const DOWN = 0.7;
const UP = 1.15;
/** Orders a second that are taken however bad it looks, so that it shows when it is over. */
const LEAST_PER_S = 2;
const UNLIMITED_PER_S = 10_000;
/** What is saved up for a burst, as a share of a second. */
const BURST_S = 0.25;
const RETRY_FROM_MS = 2000;
const RETRY_TO_MS = 5000;

/**
 * As many as come, as long as the workers keep up. When they do not, what is taken more would only wait, expire and be undone: the
 * rate goes down every second until they do, then slowly up (multiplicative decrease as in TCP, RFC 5681; the climb is
 * multiplicative too, because capacities differ by orders of magnitude). Each copy of the gateway decides for itself.
 */
export function createLoadShedding({ clock, saturated, log }: LoadSheddingOptions): Shed {
  let ratePerS = Infinity;
  let tokens = 0;
  let taken = 0;
  let windowAt = clock.now();
  let refilledAt = windowAt;

  function adjust(now: number): void {
    const windows = Math.floor((now - windowAt) / WINDOW_MS);
    if (windows === 0) return;
    if (saturated()) {
      const takenPerS = (taken * 1000) / (now - windowAt);
      if (ratePerS === Infinity) log.warn('the workers have their hands full: takes fewer orders', { takenPerS });
      ratePerS = Math.max(LEAST_PER_S, DOWN * Math.min(ratePerS, takenPerS));
    } else if (ratePerS !== Infinity) {
      ratePerS = ratePerS * UP ** Math.min(windows, 100) + 1;
      if (ratePerS > UNLIMITED_PER_S) ratePerS = Infinity;
      if (ratePerS === Infinity) log.info('takes every order again');
    }
    windowAt = now;
    taken = 0;
  }

  return () => {
    const now = clock.now();
    adjust(now);
    if (ratePerS !== Infinity) {
      tokens = Math.min(Math.max(1, ratePerS * BURST_S), tokens + (ratePerS * (now - refilledAt)) / 1000);
      refilledAt = now;
      if (tokens < 1) return laterMs(clock);
      tokens -= 1;
    } else refilledAt = now;
    taken += 1;
    return undefined;
  };
}

/** How long somebody waits who is told to come later: not all at the same time. */
export function laterMs({ random }: Pick<Clock, 'random'>): number {
  return RETRY_FROM_MS + random() * (RETRY_TO_MS - RETRY_FROM_MS);
}

/** What a client is told that there is no room for. */
export function overloaded(waitMs: number, onRefused: (route: string, by: RefusedBy) => void = () => {}): Problem {
  onRefused('any', 'load-shedding');
  return new Problem('overloaded', 'more orders come than can be worked off', { headers: retryAfter(waitMs) });
}

/** Of the deliveries that a partition's worker may have in hand. */
const FULL = 0.8 * PREFETCH;
const FRESH_HEARTBEATS = 2.5;

/** Whether for one of these routes at least half of the partitions have all in hand that a worker takes, so that more waits in the queue. */
export function isSaturated(
  roll: Roll,
  {
    routes,
    partitions,
    now,
    heartbeatMs,
  }: {
    readonly routes: readonly string[];
    readonly partitions: number;
    readonly now: number;
    /** How often workers tell. */
    readonly heartbeatMs: number;
  },
): boolean {
  const full = new Map<string, number>();
  for (const { announcement, lastSeenAt } of roll.all()) {
    if (!routes.includes(announcement.route) || now - lastSeenAt > FRESH_HEARTBEATS * heartbeatMs) continue;
    const here = Object.values(announcement.partitions).filter(({ inHand }) => inHand >= FULL).length;
    full.set(announcement.route, (full.get(announcement.route) ?? 0) + here);
  }
  return [...full.values()].some((count) => count >= partitions / 2);
}
