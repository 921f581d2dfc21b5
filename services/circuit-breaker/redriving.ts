import type { MovingOptions } from './moving.ts';
import { pacePerS, type RedrivePolicy } from './pace.ts';
import { isWake, redriveOf } from './placing.ts';
import { backoffMs } from '#shared/backoff.ts';
import type { Bus, Delivery, Session } from '#shared/bus/bus.ts';
import { parked } from '#shared/bus/topology/topology.ts';
import { reasonOf } from '#shared/errors.ts';

export interface RedrivingOptions extends Omit<MovingOptions, 'session' | 'bus'> {
  readonly bus: Pick<Bus, 'publish' | 'session'>;
  readonly policy: RedrivePolicy;
  readonly cycleMs: number;
  /** Since when the route's gate is closed, epoch ms; `undefined`: it is not. */
  readonly closedSince: () => number | undefined;
  /** How many are parked, as far as is known. */
  readonly waiting: () => number;
  /** One left the queue, or came back to it. */
  readonly onTaken: (count: 1 | -1) => void;
  /** Somebody looks at what is parked: it is not in its queue. */
  readonly isRead: () => boolean;
  readonly onRedriven: () => void;
}

export interface Redriving {
  /** Messages on their way back: neither in the queue nor acknowledged yet. */
  readonly moving: number;
  /** Something may be parked. */
  readonly mayHold: boolean;
  /** The gate may have changed, or something was parked. */
  look(): void;
  /** A message was parked. */
  parked(): void;
  /** A message of the route has expired: nothing goes back for a cycle. */
  expired(): void;
}

const TICK_MS = 100;
/** Of one route, on their way at once. */
const MAX_MOVING = 200;
const RETRY = { baseMs: 200, capMs: 3000 };

/**
 * Puts what is parked back to its route while the gate is closed, at the pace of `pacePerS`. A message leaves its queue only to be
 * published to `<route>.hash`, and is acknowledged when that is confirmed; what cannot be published returns to its place. All on a
 * connection of its own, which is there only meanwhile: nothing is held that the broker could miss, least of all by who acts.
 */
export function startRedriving(options: RedrivingOptions): Redriving {
  const { route, bus, clock, log, ended, policy, cycleMs, closedSince, waiting, onTaken, isRead, onRedriven } = options;
  const startedAt = clock.now();
  let session: Session | undefined;
  let mayHold = true;
  /** How often something was parked. */
  let parkings = 0;
  let moving = 0;
  let lastExpiryAt = -Infinity;
  let cancel: (() => void) | undefined;
  let ticking = false;
  let allowance = 0;
  let failures = 0;
  let pausedUntil = -Infinity;

  function perS(): number {
    const since = closedSince();
    const from = since === undefined ? undefined : Math.max(since, startedAt);
    return pacePerS(policy, cycleMs, { closedSince: from, lastExpiryAt, now: clock.now() });
  }

  const isWanted = (): boolean => !ended.aborted && closedSince() !== undefined && (mayHold || waiting() > 0);

  function look(): void {
    if (cancel !== undefined || ticking) return;
    if (!isWanted()) {
      if (moving === 0) leave();
      return;
    }
    cancel = clock.after(TICK_MS, () => {
      cancel = undefined;
      ticking = true;
      tick()
        .catch(failed)
        .finally(() => {
          ticking = false;
          look();
        });
    });
  }

  function leave(): void {
    const left = session;
    session = undefined;
    void left?.close();
  }

  /** Not `insist`: what failed is in its queue again, and the next tick may take another message; only the pause grows. */
  function failed(error: unknown): void {
    if (ended.aborted) return;
    failures += 1;
    pausedUntil = clock.now() + backoffMs(RETRY, failures, clock.random);
    if (failures === 1) log.warn('what is parked cannot be put back yet', { route, reason: reasonOf(error) });
  }

  async function tick(): Promise<void> {
    const pace = perS();
    allowance = pace === 0 ? 0 : Math.min(allowance + (pace * TICK_MS) / 1000, Math.max(1, pace));
    if (allowance < 1 || isRead() || clock.now() < pausedUntil) return;
    const own = await connected();
    while (allowance >= 1 && moving < MAX_MOVING && isWanted() && clock.now() >= pausedUntil && !isRead()) {
      const before = parkings;
      const delivery = await own.get(parked(route));
      if (delivery === undefined) {
        // What was parked while it was asked may have come after the answer.
        mayHold = moving > 0 || parkings !== before;
        return;
      }
      onTaken(1);
      if (isWake(delivery.packet)) {
        own.ack(delivery);
        continue;
      }
      allowance -= 1;
      moving += 1;
      // It never rejects.
      void putBack(own, delivery);
    }
  }

  async function connected(): Promise<Session> {
    if (session !== undefined) return session;
    const fresh = await bus.session();
    session = fresh;
    void fresh.closed.then(() => {
      if (session === fresh) session = undefined;
    });
    if (ended.aborted) leave();
    return fresh;
  }

  async function putBack(from: Session, delivery: Delivery): Promise<void> {
    const { exchange, packet, deadBecause } = redriveOf(route, delivery.packet, clock.now());
    try {
      await bus.publish(exchange, packet);
      if (ended.aborted) return;
      from.ack(delivery);
      failures = 0;
      if (deadBecause === undefined) onRedriven();
      else log.error('dead letter', { route, messageId: packet.messageId, reason: deadBecause });
    } catch (error) {
      from.release(delivery);
      onTaken(-1);
      failed(error);
    } finally {
      moving -= 1;
    }
  }

  ended.addEventListener('abort', () => {
    cancel?.();
    leave();
  });
  look();
  return {
    get moving() {
      return moving;
    },
    get mayHold() {
      return mayHold;
    },
    look,
    parked() {
      parkings += 1;
      mayHold = true;
      look();
    },
    expired() {
      lastExpiryAt = clock.now();
      allowance = 0;
    },
  };
}
