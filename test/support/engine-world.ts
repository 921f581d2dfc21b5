import { z } from 'zod';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';
import { encode } from '#shared/bus/envelope.ts';
import { createMemoryBroker, type MemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { hash, partitionQueues, topologyOf, type RouteTable } from '#shared/bus/topology/topology.ts';
import { createEngine, type Engine } from '#shared/entity/engine.ts';
import type { EngineOptions } from '#shared/entity/options.ts';
import { on, type Context, type Entity, type Result } from '#shared/entity/entity.ts';
import { limitsFor, type Limits } from '#shared/entity/options.ts';
import { createMemoryStore, type MemoryStore } from '#shared/entity/stores/memory-store.ts';
import { silentLog } from '#shared/log.ts';
import { command, event, type Message } from '#shared/message.ts';

/** A tally per key: enough of an entity to show what the engine promises. */
export const added = event('tally.added', z.strictObject({ total: z.int() }));
export const add = command('tally.add', {
  body: z.object({ tally: z.string(), n: z.int(), padding: z.string().optional() }),
  key: (body) => body.tally,
  done: added,
});
export interface Tally {
  readonly total: number;
  readonly seen: readonly number[];
  readonly alarmAt?: number;
}

export const TTL_MS = 10_000;
const table: RouteTable = {
  partitions: 4,
  routes: ['tally', 'asker'],
  services: { tally: { route: 'tally', answers: ['asker'] }, asker: { route: 'asker', commands: ['tally'] } },
};

export interface World {
  readonly clock: VirtualClock;
  readonly broker: MemoryBroker;
  readonly store: MemoryStore<Tally>;
  /** Handler runs, also those that failed or were discarded: `<key>:<n>`. */
  readonly runs: string[];
  engine(name?: string, options?: Partial<EngineOptions<Tally>>): Engine;
  put(tally: string, n: number, more?: Partial<Message>): void;
  /** Totals that were answered, in the order in which the asker's queues hold them. */
  answers(): readonly { readonly id: string; readonly type: string; readonly body: unknown }[];
  waiting(): number;
  total(tally: string): number | undefined;
}

export type Behaviour = (n: number, context: Context) => void | Promise<void>;

export function createWorld(
  behave: Behaviour = () => {},
  { limits, seed, entity: more }: { limits?: Partial<Limits>; seed?: number; entity?: Partial<Entity<Tally>> } = {},
): World {
  const clock = createVirtualClock(seed);
  const broker = createMemoryBroker({ clock });
  broker.apply(topologyOf(table, { ttlMs: TTL_MS, delayMs: 1000 }, 'test'));
  const store = createMemoryStore<Tally>();
  const runs: string[] = [];
  const queues = partitionQueues(table, 'tally');

  function apply(state: Tally | undefined, n: number, context: Context): Result<Tally> {
    const total = (state?.total ?? 0) + n;
    return { state: { total, seen: [...(state?.seen ?? []), n] }, send: [context.answer(added, { total })] };
  }

  const entity: Entity<Tally> = {
    route: 'tally',
    handlers: [
      on(add, (state, { tally, n }, context) => {
        runs.push(`${tally}:${n}`);
        const waited = behave(n, context);
        return waited === undefined ? apply(state, n, context) : waited.then(() => apply(state, n, context));
      }),
    ],
    ...more,
  };

  return {
    clock,
    broker,
    store,
    runs,
    engine: (name = 'tally', options = {}) =>
      createEngine<Tally>({
        entity,
        bus: broker.connect(name),
        store,
        clock,
        log: silentLog,
        queues,
        limits: limitsFor(TTL_MS, limits),
        ...options,
      }),
    put(tally, n, extra = {}) {
      const message: Message = {
        id: `${tally}:${n}`,
        type: add.name,
        key: tally,
        body: { tally, n },
        correlationId: tally,
        replyTo: { route: 'asker', key: tally },
        ...extra,
      };
      broker.put(hash('tally'), encode(message));
    },
    answers: () =>
      partitionQueues(table, 'asker').flatMap((queue) =>
        broker.queue(queue).ready.map((packet) => ({
          id: packet.messageId ?? '',
          type: packet.type ?? '',
          body: JSON.parse(packet.content.toString()) as unknown,
        })),
      ),
    waiting: () =>
      queues.reduce((sum, queue) => sum + broker.queue(queue).ready.length + broker.queue(queue).unacked, 0),
    total: (tally) => store.documents.get(tally)?.state?.total,
  };
}
