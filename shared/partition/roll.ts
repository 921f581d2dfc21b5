import type { Bus } from '#shared/bus/bus.ts';
import { WORKERS } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';
import { type Announcement, decodeAnnouncement } from '#shared/partition/announcement.ts';

export interface SeenWorker {
  readonly announcement: Announcement;
  /** By our clock, epoch ms. */
  readonly lastSeenAt: number;
}

/** Who works, by the workers' own announcements. After a start it takes a heartbeat until everybody is known. */
export interface Roll {
  take(announcement: Announcement): void;
  /** Those that live, by service and name. */
  all(): readonly SeenWorker[];
}

/** After `deadAfterMs` without a word a worker is taken for dead, as the workers themselves do. */
export function createRoll(clock: Pick<Clock, 'now'>, deadAfterMs: number): Roll {
  const workers = new Map<string, SeenWorker>();
  return {
    take(announcement) {
      const { worker, kind, incarnation, since } = announcement;
      const known = workers.get(worker)?.announcement;
      // Late words of an earlier run say nothing about the one that runs.
      if (known !== undefined && known.incarnation !== incarnation && since < known.since) return;
      if (kind === 'leave') workers.delete(worker);
      else workers.set(worker, { announcement, lastSeenAt: clock.now() });
    },
    all() {
      const now = clock.now();
      for (const [worker, { lastSeenAt }] of workers) if (now - lastSeenAt > deadAfterMs) workers.delete(worker);
      const name = ({ announcement: { service, worker } }: SeenWorker): string => `${service} ${worker}`;
      return [...workers.values()].toSorted((a, b) => name(a).localeCompare(name(b), 'en', { numeric: true }));
    },
  };
}

/** Feeds the roll, and the other listeners, from the broker. What is no announcement is ignored. */
export function watchWorkers(
  takers: readonly Pick<Roll, 'take'>[],
  { bus, log }: { readonly bus: Pick<Bus, 'subscribe'>; readonly log: Log },
): { close(): Promise<void> } {
  const subscription = bus.subscribe(WORKERS, ['#'], (packet) => {
    try {
      const announcement = decodeAnnouncement(packet);
      for (const { take } of takers) take(announcement);
    } catch (error) {
      log.warn('an announcement of a worker can not be read', { reason: reasonOf(error) });
    }
  });
  subscription.catch((error: unknown) => log.error('the workers can not be heard', { reason: reasonOf(error) }));
  return {
    async close() {
      const { close } = await subscription;
      await close();
    },
  };
}
