import { type Breaker, type Slowing, type Snapshot, snapshotSchema } from './contract.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { SNAPSHOT } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

/** After this long without news a route is not refused any more: the broker's own refusal is the authority. */
export const STALE_MS = 3000;

/** The latest that is known of a route. `at`: when the acting breaker said so, by its clock; `arrivedAt`: by ours. Epoch ms. */
export interface KnownBreaker {
  readonly breaker: Breaker;
  readonly at: number;
  readonly arrivedAt: number;
}

export interface OpenRoute {
  readonly route: string;
  /** Until the breaker decides again. At least 1. */
  readonly retryAfterMs: number;
}

/** What the gateway knows of the breakers: the latest of each route, out of snapshots that may come late or from a former leader. */
export interface BreakerBoard {
  take(snapshot: Snapshot): void;
  /** The one of these routes that stays open longest, as far as fresh news tell. */
  openRoute(routes: readonly string[]): OpenRoute | undefined;
  /** How long to wait for a route that the broker refused, whether or not news of it arrived. `undefined`: nothing is known. */
  retryAfterMs(route: string): number | undefined;
  /** By route, in the order of the snapshot. Empty: no breaker has reported yet. */
  all(): readonly KnownBreaker[];
  find(route: string): KnownBreaker | undefined;
  isStale(known: KnownBreaker): boolean;
  /** Told after each snapshot. The returned function ends it. */
  listen(listener: () => void): () => void;
}

export function createBoard(clock: Pick<Clock, 'now'>): BreakerBoard {
  const routes = new Map<string, KnownBreaker>();
  const listeners = new Set<() => void>();

  const isStale = ({ arrivedAt }: KnownBreaker): boolean => clock.now() - arrivedAt > STALE_MS;

  function supersedes({ generation }: Breaker, at: number, known: KnownBreaker | undefined): boolean {
    if (known === undefined || isStale(known)) return true;
    return generation > known.breaker.generation || (generation === known.breaker.generation && at >= known.at);
  }

  /** Counted in the leader's clock up to the snapshot and in ours from its arrival, so that the two need not agree. */
  function waitMs({ breaker, at, arrivedAt }: KnownBreaker): number {
    const { override, policy } = breaker;
    const { cycleEndsAt } = breaker;
    const evidenceMs = cycleEndsAt === null ? policy.cycleMs : Math.min(cycleEndsAt - at, policy.cycleMs);
    // Forced open, it stays open until the operator's word ends, whatever the evidence says.
    const leftMs = override?.state === 'open' ? override.until - at : evidenceMs;
    return Math.max(1, leftMs - (clock.now() - arrivedAt));
  }

  return {
    take({ at, breakers }) {
      for (const breaker of breakers)
        if (supersedes(breaker, at, routes.get(breaker.route)))
          routes.set(breaker.route, { breaker, at, arrivedAt: clock.now() });
      for (const listener of listeners) listener();
    },
    openRoute(wanted) {
      return wanted
        .flatMap((route) => routes.get(route) ?? [])
        .filter((known) => known.breaker.state === 'open' && !isStale(known))
        .map((known) => ({ route: known.breaker.route, retryAfterMs: waitMs(known) }))
        .toSorted((a, b) => b.retryAfterMs - a.retryAfterMs)[0];
    },
    retryAfterMs(route) {
      const known = routes.get(route);
      if (known === undefined) return undefined;
      return known.breaker.state === 'open' && !isStale(known) ? waitMs(known) : known.breaker.policy.cycleMs;
    },
    all: () => [...routes.values()],
    find: (route) => routes.get(route),
    isStale,
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** The latest that is known of the gate, fresh or not: without a breaker it stays as it is. */
export function slowingBy({ find }: Pick<BreakerBoard, 'find'>, route: string): Slowing {
  const breaker = find(route)?.breaker;
  return { isHalfOpen: breaker?.state === 'half_open', delayMs: breaker?.policy.delayMs ?? 0 };
}

/** Feeds the board from the broker. What is no snapshot is ignored. */
export function watchSnapshots(
  { take }: Pick<BreakerBoard, 'take'>,
  { bus, log }: { readonly bus: Pick<Bus, 'subscribe'>; readonly log: Log },
): { close(): Promise<void> } {
  const subscription = bus.subscribe(SNAPSHOT, [''], ({ content }) => {
    const snapshot = parsed(content);
    if (snapshot === undefined) log.warn('a broadcast of the circuit breaker can not be read');
    else take(snapshot);
  });
  subscription.catch((error: unknown) =>
    log.error('the circuit breaker can not be heard', { reason: reasonOf(error) }),
  );
  return {
    async close() {
      const { close } = await subscription;
      await close();
    },
  };
}

function parsed(content: Buffer): Snapshot | undefined {
  try {
    return snapshotSchema.parse(JSON.parse(content.toString()));
  } catch {
    return undefined;
  }
}
