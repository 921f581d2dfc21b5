import type { ParkedItem } from './contract.ts';
import { move, type MovingOptions } from './moving.ts';
import { pacePerS, type RedrivePolicy } from './pace.ts';
import { parkedItemOf, redriveOf } from './placing.ts';
import type { Delivery } from '#shared/bus/bus.ts';
import { parked } from '#shared/bus/topology.ts';

export interface RedrivingOptions extends MovingOptions {
  readonly policy: RedrivePolicy;
  readonly cycleMs: number;
  /** Since when the route's gate is closed, epoch ms; `undefined`: it is not. */
  readonly closedSince: () => number | undefined;
  readonly onRedriven: () => void;
}

export interface Redriving {
  /** Messages at hand, of those parked; when it is `REDRIVING_WINDOW`, more may wait in the queue. */
  readonly held: number;
  /** The gate may have changed. */
  look(): void;
  /** A message of the route has expired: nothing goes back for a cycle. */
  expired(): void;
  /** What is at hand, in no particular order. */
  items(): readonly ParkedItem[];
}

/** Parked messages of one route that are held, unacknowledged, as the index of what is parked. */
export const REDRIVING_WINDOW = 2000;
const TICK_MS = 100;

/**
 * Puts what is parked back to its route while the gate is closed, at the pace of `pacePerS`. Held messages stay parked for
 * the broker: they are acknowledged only after they were published to `<route>.hash` and confirmed.
 */
export async function startRedriving(options: RedrivingOptions): Promise<Redriving> {
  const { route, session, clock, ended, policy, cycleMs, closedSince, onRedriven } = options;
  const held = new Set<Delivery>();
  const moving = new Set<Delivery>();
  const startedAt = clock.now();
  let lastExpiryAt = -Infinity;
  let cancel: (() => void) | undefined;
  let allowance = 0;

  function perS(): number {
    const since = closedSince();
    const from = since === undefined ? undefined : Math.max(since, startedAt);
    return pacePerS(policy, cycleMs, { closedSince: from, lastExpiryAt, now: clock.now() });
  }

  function look(): void {
    if (ended.aborted || cancel !== undefined || held.size === moving.size || closedSince() === undefined) return;
    cancel = clock.after(TICK_MS, () => {
      cancel = undefined;
      tick();
      look();
    });
  }

  function tick(): void {
    const pace = perS();
    allowance = pace === 0 ? 0 : Math.min(allowance + (pace * TICK_MS) / 1000, Math.max(1, pace));
    for (const delivery of held) {
      if (allowance < 1 || ended.aborted) return;
      if (moving.has(delivery)) continue;
      allowance -= 1;
      moving.add(delivery);
      // Rejects for a bug only, which must not be silent.
      void putBack(delivery);
    }
  }

  async function putBack(delivery: Delivery): Promise<void> {
    const placing = redriveOf(route, delivery.packet, clock.now());
    if (!(await move(options, delivery, placing))) return;
    held.delete(delivery);
    moving.delete(delivery);
    if (placing.deadBecause === undefined) onRedriven();
  }

  ended.addEventListener('abort', () => cancel?.());
  await session.consume(parked(route), REDRIVING_WINDOW, (delivery) => {
    held.add(delivery);
    look();
  });
  return {
    get held() {
      return held.size;
    },
    look,
    expired() {
      lastExpiryAt = clock.now();
      allowance = 0;
    },
    items: () => [...held].flatMap(({ packet }) => parkedItemOf(route, packet) ?? []),
  };
}
