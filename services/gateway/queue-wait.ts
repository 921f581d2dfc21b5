import type { Roll } from '#shared/partition/roll.ts';

/** Heartbeats after which a worker's word says nothing any more. */
const FRESH_HEARTBEATS = 2.5;

/**
 * How long messages wait for their turn at present, ms, on that of these routes where they wait longest: at least half of its partitions
 * that have work let nothing through faster. One partition alone is a key with much to do, not a load that fewer orders would take away.
 * `undefined`: nobody has work.
 */
export function waitOf(
  roll: Pick<Roll, 'all'>,
  {
    routes,
    now,
    heartbeatMs,
  }: {
    readonly routes: readonly string[];
    readonly now: number;
    /** How often workers tell. */
    readonly heartbeatMs: number;
  },
): number | undefined {
  const byRoute = new Map<string, number[]>(routes.map((route) => [route, []]));
  for (const { announcement, lastSeenAt } of roll.all()) {
    if (now - lastSeenAt > FRESH_HEARTBEATS * heartbeatMs) continue;
    const here = Object.values(announcement.partitions).flatMap(({ waitedMs }) => waitedMs ?? []);
    byRoute.get(announcement.route)?.push(...here);
  }
  const medians = [...byRoute.values()].flatMap((waits) => lowerMedian(waits) ?? []);
  return medians.length === 0 ? undefined : Math.max(...medians);
}

function lowerMedian(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}
