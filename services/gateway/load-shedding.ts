import { Problem, retryAfter } from '#shared/web/problems.ts';
import { type Bucket, filled } from '#shared/web/token-bucket.ts';
import type { Clock } from '#shared/clock.ts';
import type { Log } from '#shared/log.ts';

/** Whether the gateway knew that the route was open, the broker gave the message back, or there was no room. */
export type RefusedBy = 'gateway' | 'broker' | 'load-shedding';

/** How long a client is to wait before another try, ms; `undefined`: this one is taken. */
export type Shed = () => number | undefined;

export interface LoadSheddingOptions {
  readonly clock: Pick<Clock, 'now' | 'random'>;
  /** How long messages wait for their turn at present, ms; `undefined`: there are none. */
  readonly waitedMs: () => number | undefined;
  /** How long they may. An order takes a dozen times as long, so this is far below a second. */
  readonly mayWaitMs: number;
  readonly log: Pick<Log, 'warn' | 'info'>;
}

const WINDOW_MS = 1000;
/** Windows until it shows what a lower rate did: it is told once a second, of the second before. */
const EFFECT_WINDOWS = 2;
const DOWN = 0.85;
/** At first, when nothing is known of how much is too much. */
const FIRST_DOWN = 0.5;
const UP = 1.1;
/** What was taken in a busier window counts this much in the next. */
const REMEMBERED = 0.9;
/** Orders a second that are taken however bad it looks, so that it shows when it is over. */
const LEAST_PER_S = 5;
/** Nothing refused for so long, and there is no limit any more. */
const UNUSED_MS = 10_000;
/** What is saved up for a burst: a share of a second, and some orders in any case. */
const BURST_S = 0.25;
const BURST = 20;
/** After so long with next to no orders, a wait that did not even fall to this share has another cause. */
const BLAMELESS_MS = 30_000;
const BLAMELESS_SHARE = 0.7;
const RETRY_FROM_MS = 2000;
const RETRY_TO_MS = 5000;

/**
 * As many as come, as long as messages do not wait. When they do, what is taken more would only wait too, expire and be undone: the
 * rate goes down until the wait gets shorter, stays while it does, then goes slowly up (multiplicative decrease as in TCP, RFC 5681;
 * the climb is multiplicative too, because capacities differ by orders of magnitude). Each copy of the gateway decides for itself.
 *
 * A wait that stays although next to nothing is taken is not due to the orders (clocks of hosts that differ, a slow database): it
 * counts as normal from then on.
 */
export function createLoadShedding({ clock, waitedMs, mayWaitMs, log }: LoadSheddingOptions): Shed {
  let ratePerS = Infinity;
  let bucket: Bucket = { tokens: BURST, at: 0 };
  let taken = 0;
  let busyPerS = 0;
  let windowAt = clock.now();
  /** By how much messages waited too long in the window before; below zero: they did not. */
  let tooLongMs = -Infinity;
  let normalMs = 0;
  let windowsToEffect = 0;
  let limitedAt = -Infinity;
  /** Since when it is the least, and how long messages waited then. */
  let least: { readonly since: number; readonly waitedMs: number } | undefined;

  function adjust(now: number): void {
    const windows = Math.floor((now - windowAt) / WINDOW_MS);
    if (windows === 0) return;
    const waited = waitedMs() ?? 0;
    const before = tooLongMs;
    tooLongMs = waited - normalMs - mayWaitMs;
    busyPerS = Math.max((taken * 1000) / (now - windowAt), busyPerS * REMEMBERED);
    windowsToEffect = Math.max(0, windowsToEffect - windows);
    if (tooLongMs <= 0) faster(now, windows);
    else if (before > 0 && windowsToEffect === 0 && tooLongMs >= before) slower(now, waited);
    normalMs = Math.min(normalMs, waited);
    windowAt = now;
    taken = 0;
  }

  function slower(now: number, waited: number): void {
    if (ratePerS === Infinity) log.warn('messages wait: takes fewer orders', { waitedMs: waited, takenPerS: busyPerS });
    const down = ratePerS === Infinity ? FIRST_DOWN : DOWN;
    ratePerS = Math.max(LEAST_PER_S, down * Math.min(ratePerS, busyPerS));
    windowsToEffect = EFFECT_WINDOWS;
    limitedAt = now;
    if (ratePerS > LEAST_PER_S) return;
    least ??= { since: now, waitedMs: waited };
    if (now - least.since < BLAMELESS_MS || waited < BLAMELESS_SHARE * least.waitedMs) return;
    log.warn('messages wait although next to no orders are taken: counts as normal', { waitedMs: waited });
    normalMs = waited;
  }

  function faster(now: number, windows: number): void {
    if (ratePerS === Infinity) return;
    least = undefined;
    ratePerS *= UP ** Math.min(windows, 100);
    if (now - limitedAt < UNUSED_MS) return;
    ratePerS = Infinity;
    log.info('takes every order again');
  }

  return () => {
    const now = clock.now();
    adjust(now);
    if (ratePerS !== Infinity) {
      bucket = filled(bucket, now, ratePerS, Math.max(BURST, ratePerS * BURST_S));
      if (bucket.tokens < 1) {
        limitedAt = now;
        return laterMs(clock);
      }
      bucket = { ...bucket, tokens: bucket.tokens - 1 };
    }
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
