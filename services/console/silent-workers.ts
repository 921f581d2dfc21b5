import { z } from 'zod';
import { partition, type RouteTable } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import type { Log } from '#shared/log.ts';
import type { Announcement } from '#shared/partition/announcement.ts';
import type { Roll } from '#shared/partition/roll.ts';
import { shape } from '#shared/web/shapes.ts';

/** Warns of a worker that is not heard any more. Fed with what the roll is fed with. */
export interface SilentWorkers extends Pick<Roll, 'take'> {
  close(): void;
}

/**
 * One warning for each worker that falls silent without having left, with the partitions that it was registered on, and one line
 * when it is heard again. While nobody is heard nothing is said: then it is the broker, or this process, that is away.
 */
export function watchSilence({
  clock,
  log,
  deadAfterMs,
}: {
  readonly clock: Clock;
  readonly log: Log;
  readonly deadAfterMs: number;
}): SilentWorkers {
  const heard = new Map<string, { readonly announcement: Announcement; readonly at: number }>();
  const silent = new Map<string, number>();
  let hearingSince = clock.now();
  let lastHeardAt = -Infinity;
  let cancel = clock.after(deadAfterMs / 5, look);

  function look(): void {
    cancel = clock.after(deadAfterMs / 5, look);
    const now = clock.now();
    if (now - lastHeardAt > deadAfterMs / 2) return;
    for (const [worker, { announcement, at }] of heard) {
      if (now - Math.max(at, hearingSince) <= deadAfterMs) continue;
      heard.delete(worker);
      silent.set(worker, at);
      const { service, route, registrations } = announcement;
      const partitions = Object.keys(registrations).map((index) => partition(route, Number(index)));
      log.warn('a worker is not heard any more', { worker, of: service, silentMs: now - at, partitions });
    }
  }

  return {
    take(announcement) {
      const now = clock.now();
      const { worker, kind, service } = announcement;
      if (now - lastHeardAt > deadAfterMs / 2) hearingSince = now;
      lastHeardAt = now;
      const since = silent.get(worker);
      silent.delete(worker);
      if (kind === 'leave') heard.delete(worker);
      else heard.set(worker, { announcement, at: now });
      if (since !== undefined && kind === 'alive')
        log.info('a worker is heard again', { worker, of: service, silentMs: now - since });
    },
    close: () => cancel(),
  };
}

export const missingShape = z.array(
  shape({
    service: z.string().describe('A service without a living worker.'),
    route: z.string().describe('The route whose messages nobody handles.'),
  }),
);

/** What has no living worker: nobody handles the messages of its partitions. */
export function missingServices(
  roll: Pick<Roll, 'all'>,
  { services }: Pick<RouteTable, 'services'>,
): z.infer<typeof missingShape> {
  const working = new Set(roll.all().map(({ announcement }) => announcement.service));
  return Object.entries(services).flatMap(([service, { route }]) =>
    route === undefined || working.has(service) ? [] : [{ service, route }],
  );
}
