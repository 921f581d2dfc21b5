/** What was seen while a simulated town ran, for the invariants that must hold all the time. */
import type { Bus } from '#shared/bus/bus.ts';
import type { Clock } from '#shared/clock.ts';
import type { CommittedRuns } from '#shared/entity/engine.ts';
import type { EntityStore } from '#shared/entity/store.ts';

export interface Commit extends CommittedRuns {
  readonly worker: string;
  readonly service: string;
}

export interface Sent {
  readonly exchange: string;
  readonly id: string;
  readonly type: string;
  readonly deadline: number | undefined;
}

export interface Record {
  /** As the engines saw them; a killed one is missing. */
  readonly commits: readonly Commit[];
  /** As the stores took them: every accepted write, `<service>/<key>` with the version before and after. */
  readonly writes: readonly { readonly key: string; readonly over: number; readonly version: number }[];
  /** Ids of all messages that some document remembered. */
  readonly handled: ReadonlySet<string>;
  /** By order, the statuses that were stored. */
  readonly statuses: ReadonlyMap<string, readonly string[]>;
  /** What engines published and the broker confirmed. */
  readonly confirmed: readonly Sent[];
  watched<State>(service: string, store: EntityStore<State>): EntityStore<State>;
  publishing(worker: string, bus: Bus): Bus;
  committed(worker: string, service: string, commit: CommittedRuns): void;
}

export function createRecord(_clock: Clock): Record {
  const commits: Commit[] = [];
  const writes: { key: string; over: number; version: number }[] = [];
  const handled = new Set<string>();
  const statuses = new Map<string, string[]>();
  const confirmed: Sent[] = [];

  return {
    commits,
    writes,
    handled,
    statuses,
    confirmed,
    watched: (service, store) => ({
      ...store,
      async commit(batch) {
        const lost = await store.commit(batch);
        for (const { over, document } of batch) {
          if (lost.has(document.key)) continue;
          writes.push({ key: `${service}/${document.key}`, over, version: document.version });
          for (const { id } of document.handled) handled.add(id);
          if (service === 'order') seeStatus(document.key, (document.state as { status?: string } | undefined)?.status);
        }
        return lost;
      },
    }),
    publishing: (_worker, bus) => ({
      ...bus,
      async publish(exchange, packet, routingKey) {
        await bus.publish(exchange, packet, routingKey);
        const deadline = packet.headers['deadline'];
        confirmed.push({
          exchange,
          id: packet.messageId ?? '',
          type: packet.type ?? '',
          deadline: typeof deadline === 'number' ? deadline : undefined,
        });
      },
      get connected() {
        return bus.connected;
      },
    }),
    committed: (worker, service, commit) => void commits.push({ worker, service, ...commit }),
  };

  function seeStatus(order: string, status: string | undefined): void {
    if (status === undefined || status === 'unplaced') return;
    const path = statuses.get(order) ?? [];
    if (path.at(-1) !== status) statuses.set(order, [...path, status]);
  }
}
