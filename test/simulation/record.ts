/** What was seen while a simulated town ran, for the invariants that must hold all the time. */
import type { Collection } from './replicas.ts';
import { CLOCK_ERROR_MS } from './settings.ts';
import type { Quantities } from '#services/stock/movements.ts';
import type { Bus, Packet } from '#shared/bus/bus.ts';
import type { Clock } from '#shared/clock.ts';
import type { CommittedRuns } from '#shared/entity/options.ts';
import type { DueKey, EntityStore } from '#shared/entity/store.ts';
import { WAKE } from '#shared/message.ts';

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

/** An effect that goes on without its delivery. */
interface Lease {
  readonly until: number;
  readonly since: number;
  readonly by: string;
  /** Of the document that says so first. */
  readonly version: number;
}

/** What an engine promises to stay within. */
export interface Bounds {
  readonly stashSize: number;
  readonly handledIds: number;
}

export interface Record {
  /** As the engines saw them; a killed one is missing. */
  readonly commits: readonly Commit[];
  /** As the stores took them: every accepted write, `<service>/<key>` with the version before and after. */
  readonly writes: readonly { readonly key: string; readonly over: number; readonly version: number }[];
  /** `<route> <id>` of all messages that some document remembered; an answer may be for two routes. */
  readonly handled: ReadonlySet<string>;
  /** By order, the statuses that were stored. */
  readonly statuses: ReadonlyMap<string, readonly string[]>;
  /** What engines published and the broker confirmed. */
  readonly confirmed: readonly Sent[];
  /** By `<service>/<key>`: ids in the order in which documents remembered them. */
  readonly applied: ReadonlyMap<string, readonly string[]>;
  /** By key: ids in the order in which they entered a partition queue, each as often as it did. */
  readonly queued: ReadonlyMap<
    string,
    readonly { readonly route: string; readonly queue: string; readonly id: string }[]
  >;
  /** By id: until when (epoch ms) its receiver remembers it at least, by what entered a partition queue; whether that was confirmed or not. */
  readonly rememberedUntil: ReadonlyMap<string, number>;
  /** Ids that nobody took in time, once at least. */
  readonly expired: ReadonlySet<string>;
  /** What was wrong at the moment at which it happened. */
  readonly wrong: readonly string[];
  /** A worker begins a try of an effect for the key. */
  tried(worker: string, service: string, key: string): void;
  /** A packet enters a queue. */
  entered(queue: string, packet: Packet): void;
  watched<State>(worker: string, service: string, collection: Collection<State>): EntityStore<State>;
  overheard(worker: string, bus: Bus): Bus;
  committed(worker: string, service: string, commit: CommittedRuns): void;
}

/** No document may be larger; looked at now and then, as it costs. */
const MOST_BYTES = 64 * 1024;
const WEIGHED_EVERY = 16;

export function createRecord({ now }: Clock, bounds: Bounds): Record {
  const commits: Commit[] = [];
  const writes: { key: string; over: number; version: number }[] = [];
  const handled = new Set<string>();
  const statuses = new Map<string, string[]>();
  const confirmed: Sent[] = [];
  const applied = new Map<string, string[]>();
  const queued = new Map<string, { route: string; queue: string; id: string }[]>();
  const rememberedUntil = new Map<string, number>();
  const expired = new Set<string>();
  const wrong: string[] = [];
  /** By worker and key. */
  const registeredAt = new Map<string, number>();
  const readAt = new Map<string, number>();
  /** The version that a worker was told to be committed. */
  const toldOf = new Map<string, number>();
  const triedAt = new Map<string, number>();
  /** By `<service>/<key>`: as long as an effect goes on without its delivery. */
  const leases = new Map<string, Lease>();

  return {
    commits,
    writes,
    handled,
    statuses,
    confirmed,
    applied,
    queued,
    rememberedUntil,
    expired,
    wrong,
    entered(queue, { messageId: id = '', type, headers }) {
      const route = queue.slice(0, queue.lastIndexOf('.'));
      if (queue.endsWith('.expired')) expired.add(id);
      if (type === WAKE && /\.(parked|dead)$/.test(queue)) wrong.push(`I-25: a wake came to ${queue}`);
      if (!/\.\d{3}$/.test(queue)) return;
      const until = headers['remember-until'] ?? headers['deadline'];
      const least = typeof until === 'number' ? until : Infinity;
      rememberedUntil.set(id, Math.min(least, rememberedUntil.get(id) ?? Infinity));
      const key = String(headers['key']);
      const before = queued.get(key);
      if (before === undefined) queued.set(key, [{ route, queue, id }]);
      else before.push({ route, queue, id });
      const [expiries = 0, redriven = 0] = [headers['expiries'], headers['redriven']];
      if (expiries !== redriven)
        wrong.push(
          `I-15: ${id} expired ${String(expiries)} times and says that it was put back ${String(redriven)} times`,
        );
    },
    tried(worker, service, key) {
      const name = `${worker} ${key}`;
      triedAt.set(name, now());
      const lease = leases.get(`${service}/${key}`);
      if (lease === undefined || lease.until - now() <= 2 * CLOCK_ERROR_MS) return;
      const knowsIt = (toldOf.get(name) ?? 0) >= lease.version || (readAt.get(name) ?? -1) > lease.since;
      if (knowsIt) wrong.push(`I-24: ${worker} tries something for ${service}/${key}, which is leased to ${lease.by}`);
    },
    watched: (worker, service, { store, seen }) => ({
      ...store,
      async load(keys) {
        const documents = await store.load(keys);
        for (const key of keys) readAt.set(`${worker} ${key}`, now());
        return documents;
      },
      async commit(batch) {
        const outcome = await store.commit(batch);
        for (const { over, document } of batch) {
          if (outcome.lost.has(document.key) || outcome.refused.has(document.key)) continue;
          writes.push({ key: `${service}/${document.key}`, over, version: document.version });
          seeLease(worker, `${service}/${document.key}`, document.version, document.stash[0]?.leasedUntil);
          seeHandled(`${service}/${document.key}`, document.handled, document.version - over);
          if (document.stash.length > bounds.stashSize)
            wrong.push(`I-20: ${document.key} has ${document.stash.length} messages in its stash`);
          if (document.handled.length > bounds.handledIds + document.version - over)
            wrong.push(`I-20: ${document.key} remembers ${document.handled.length} ids itself`);
          if (writes.length % WEIGHED_EVERY === 0 && JSON.stringify(document).length > MOST_BYTES)
            wrong.push(`I-20: ${document.key} has grown to more than ${MOST_BYTES} bytes`);
          if (service === 'stock') seeLevel(document.key, document.state as Partial<Quantities> | undefined);
          if (service === 'order') seeStatus(document.key, (document.state as { status?: string } | undefined)?.status);
        }
        return outcome;
      },
      async due(moment, limit) {
        const documents = [...seen().documents.values()];
        const found = await store.due(moment, limit);
        seeDue(service, documents, found, moment, limit);
        return found;
      },
    }),
    overheard: (worker, bus) => ({
      ...bus,
      consume(queue, options) {
        const openedAt = now();
        return bus.consume(queue, {
          ...options,
          onDelivery(delivery, consumer) {
            const key = delivery.packet.headers['key'];
            if (typeof key === 'string') registeredAt.set(`${worker} ${key}`, openedAt);
            options.onDelivery(delivery, consumer);
          },
        });
      },
      async publish(exchange, packet, routingKey) {
        await bus.publish(exchange, packet, routingKey);
        const { deadline } = packet.headers;
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
      const name = `${worker} ${commit.key}`;
      // What is told to a mailbox that was given up meanwhile, and loaded again, is told to nobody.
      const isTold = commit.outcome === 'committed' && (readAt.get(name) ?? -1) <= (triedAt.get(name) ?? Infinity);
      if (isTold) toldOf.set(name, commit.version);
      commits.push({ worker, service, ...commit, registeredAt: registered!, readAt: read! });
    },
  };

  /** Of so many versions: each has one id more, at the end, that may have been there before and was forgotten since. */
  function seeHandled(key: string, ids: readonly { readonly id: string }[], versions: number): void {
    const route = key.slice(0, key.indexOf('/'));
    for (const { id } of ids.slice(-versions)) {
      if (handled.has(`${route} ${id}`)) continue;
      handled.add(`${route} ${id}`);
      const order = applied.get(key);
      if (order === undefined) applied.set(key, [id]);
      else order.push(id);
    }
  }

  /** I-21: no partition's keys are passed over for more of another's. */
  function seeDue(
    service: string,
    documents: readonly { readonly key: string; readonly dueAt?: number; readonly partition?: string }[],
    found: readonly DueKey[],
    moment: number,
    limit: number,
  ): void {
    if (found.length < limit) return;
    const due = documents.filter(({ dueAt = Infinity }) => dueAt <= moment);
    const waiting = Map.groupBy(due, ({ partition }) => partition);
    for (const [partition, keys] of waiting) {
      const taken = found.filter((one) => one.partition === partition).length;
      if (taken < Math.min(keys.length, Math.floor(limit / waiting.size)))
        wrong.push(`I-21: of ${keys.length} keys of ${partition} (${service}) a sweep of ${limit} takes ${taken}`);
    }
  }

  /** I-6: nothing is sold or reserved that is not there, at no time. */
  function seeLevel(sku: string, { onHand = 0, reserved = 0 }: Partial<Quantities> = {}): void {
    if (onHand < 0 || reserved < 0 || reserved > onHand)
      wrong.push(`I-6: ${sku}: ${onHand} on hand, ${reserved} reserved`);
  }

  function seeLease(by: string, key: string, version: number, until: number | undefined): void {
    if (until === undefined) leases.delete(key);
    else if (leases.get(key)?.until !== until) leases.set(key, { until, since: now(), by, version });
  }

  function seeStatus(order: string, status: string | undefined): void {
    if (status === undefined || status === 'unplaced') return;
    const path = statuses.get(order) ?? [];
    if (path.at(-1) !== status) statuses.set(order, [...path, status]);
  }
}
