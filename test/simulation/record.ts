/** What was seen while a simulated town ran, for the invariants that must hold all the time. */
import type { Bus } from '#shared/bus/bus.ts';
import type { Clock } from '#shared/clock.ts';
import type { CommittedRuns } from '#shared/entity/engine.ts';
import type { EntityStore } from '#shared/entity/store.ts';

export interface Commit extends CommittedRuns {
  readonly worker: string;
  readonly service: string;
  /** When the channel was opened that last brought the worker a message for the key, and when it last read the document. */
  readonly registeredAt: number;
  readonly readAt: number;
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
  watched<State>(worker: string, service: string, store: EntityStore<State>): EntityStore<State>;
  overheard(worker: string, bus: Bus): Bus;
  committed(worker: string, service: string, commit: CommittedRuns): void;
}

export function createRecord({ now }: Clock): Record {
  const commits: Commit[] = [];
  const writes: { key: string; over: number; version: number }[] = [];
  const handled = new Set<string>();
  const statuses = new Map<string, string[]>();
  const confirmed: Sent[] = [];
  /** By worker and key. */
  const registeredAt = new Map<string, number>();
  const readAt = new Map<string, number>();

  return {
    commits,
    writes,
    handled,
    statuses,
    confirmed,
    watched: (worker, service, store) => ({
      ...store,
      async load(keys) {
        const documents = await store.load(keys);
        for (const key of keys) readAt.set(`${worker} ${key}`, now());
        return documents;
      },
      async commit(batch) {
        const lost = await store.commit(batch);
        for (const { over, document } of batch) {
          if (lost.has(document.key)) continue;
          writes.push({ key: `${service}/${document.key}`, over, version: document.version });
          // New ones are at the end.
          for (let at = document.handled.length - 1; at >= 0; at -= 1) {
            const { id } = document.handled[at]!;
            if (handled.has(id)) break;
            handled.add(id);
          }
          if (service === 'order') seeStatus(document.key, (document.state as { status?: string } | undefined)?.status);
        }
        return lost;
      },
    }),
    overheard: (worker, bus) => ({
      ...bus,
      consume(queue, options) {
        const openedAt = now();
        return bus.consume(queue, {
          ...options,
          onDelivery(delivery) {
            const key = delivery.packet.headers['key'];
            if (typeof key === 'string') registeredAt.set(`${worker} ${key}`, openedAt);
            options.onDelivery(delivery);
          },
        });
      },
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
    committed(worker, service, commit) {
      const [registered, read] = [registeredAt, readAt].map((times) => times.get(`${worker} ${commit.key}`) ?? -1);
      commits.push({ worker, service, ...commit, registeredAt: registered!, readAt: read! });
    },
  };

  function seeStatus(order: string, status: string | undefined): void {
    if (status === undefined || status === 'unplaced') return;
    const path = statuses.get(order) ?? [];
    if (path.at(-1) !== status) statuses.set(order, [...path, status]);
  }
}
