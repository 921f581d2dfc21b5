import type { Clock } from '#shared/clock.ts';
import type { Roll } from '#shared/partition/roll.ts';

/** Heartbeats after which somebody who should be at work is not heard: sooner than dead, for whoever stands and waits. */
const UNHEARD_HEARTBEATS = 1.8;

/** Those of the routes that nobody works on as far as a door hears: none of their workers has told of itself lately. */
export function createSilentRoutes({
  roll,
  clock,
  heartbeatMs,
}: {
  readonly roll: Pick<Roll, 'all'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly heartbeatMs: number;
}): (routes: readonly string[]) => Promise<readonly string[]> {
  return async (routes) => {
    const heardSince = clock.now() - UNHEARD_HEARTBEATS * heartbeatMs;
    const heard = roll.all().filter(({ lastSeenAt }) => lastSeenAt >= heardSince);
    const working = new Set(heard.map(({ announcement }) => announcement.route));
    return routes.filter((route) => !working.has(route));
  };
}
