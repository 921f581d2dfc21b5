/** Executors in a simulated town: three that elect one who works the order queue off, with cuts between them. I-13: one executor a term, terms never fall, each entry is executed once. */
import type { Host } from './host.ts';
import type { Collection } from './replicas.ts';
import type { SimulatedTown } from './town.ts';
import { isEnded } from '#test/support/place.ts';
import { executing, inRow, progressOf } from '#services/executor/access.ts';
import { queueTally } from '#services/executor/audit.ts';
import { executorIds, QUEUE } from '#services/executor/contract.ts';
import { startExecutors } from '#services/executor/executors.ts';
import type { OrderQueue } from '#services/executor/leading.ts';
import { Dispossessed, type MemberStore } from '#services/executor/member.ts';
import type { Durable } from '#services/executor/raft/state.ts';
import type { EntryState, ExecutorState, QueueRecord } from '#services/executor/state.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { emptyDocument } from '#shared/entity/document.ts';
import type { EntityStore } from '#shared/entity/store.ts';
import { silentLog } from '#shared/log.ts';

const IDS = executorIds(3);
const MOST_CUTS = 4;
const LONGEST_CUT_MS = 8000;
const NOTHING: Durable = {
  term: 0,
  votedFor: undefined,
  log: { snapshot: { index: 0, term: 0, seq: 0 }, entries: [] },
};

interface Held {
  /** Of the life that has this executor. */
  readonly token: string;
  readonly durable: Durable;
}

type Link = (from: string, to: string) => boolean;

export function addExecutors(
  { add, replicas, record, scheduler, faults, tell, orderQueue }: SimulatedTown,
  overMs: number,
): void {
  const { clock, between, chance } = scheduler;
  const members = replicas.collection<Held>();
  const cuts = new Set<Link>();

  const passing = (id: string, bus: Bus): Pick<Bus, 'subscribe' | 'post'> => ({
    subscribe: (exchange, keys, onPacket) => bus.subscribe(exchange, keys, onPacket),
    post(onReturned) {
      const post = bus.post(onReturned);
      return {
        send(exchange, packet, key = '') {
          const to = key.slice(key.lastIndexOf('.') + 1);
          if (![...cuts].some((isCut) => isCut(id, to))) post.send(exchange, packet, key);
        },
        close: () => post.close(),
      };
    },
  });

  for (const [n, id] of IDS.entries())
    add(`member-${n + 1}`, async (host) => {
      const bus = record.overheard(host.name, host.bus);
      const executors = startExecutors({
        members: IDS,
        wanted: [id],
        most: 1,
        enrol: async () => {},
        claim: (wanted) => claimed(host, members, wanted),
        queue: queueOf(host, orderQueue, bus),
        bus: passing(id, bus),
        clock: host.clock,
        log: silentLog,
        onRole: (_, { role, term }) => {
          tell(`${id} is ${role} in term ${term}`);
          if (role === 'leader') faults.count('executor elected');
        },
      });
      return async () => {
        await executors.stop();
        await host.bus.close();
      };
    });

  for (let n = between(0, MOST_CUTS + 1); n > 0; n -= 1)
    clock.after(between(1000, overMs), () => {
      if (faults.healed) return;
      const [one, other] = [IDS[between(0, 3)]!, IDS[between(0, 3)]!];
      const kinds: Readonly<Record<string, Link>> = {
        'one executor cut off': (from, to) => from === one || to === one,
        'all executors cut off': () => true,
        'executors cut off one way': (from, to) => from === one && (to === other || one === other),
      };
      const kind = Object.keys(kinds)[Math.floor(chance() * 3)]!;
      const isCut = kinds[kind]!;
      faults.count(kind);
      tell(`${kind}: ${one}, ${other}`);
      cuts.add(isCut);
      clock.after(between(500, LONGEST_CUT_MS), () => cuts.delete(isCut));
    });
}

/** What an executor must not forget, in a document of its own, as `services/executor/stored.ts` keeps it. */
async function claimed(host: Host, members: Collection<Held>, id: string): Promise<MemberStore | undefined> {
  const token = host.clock.id();
  const documents = host.store(members.store);
  let version = 0;
  const stored = async () => (await documents.load([id])).get(id);
  const write = async (over: number, durable: Durable): Promise<boolean> => {
    const document = { ...emptyDocument<Held>(id), version: over + 1, state: { token, durable } };
    return !(await documents.commit([{ over, document }])).lost.has(id);
  };
  const before = await stored();
  if (!(await write(before?.version ?? 0, before?.state?.durable ?? NOTHING))) return undefined;
  return {
    async load() {
      const found = await stored();
      if (found?.state?.token !== token) throw new Dispossessed(id);
      ({ version } = found);
      return found.state.durable;
    },
    async save(durable) {
      if (!(await write(version, durable))) {
        const found = await stored();
        throw found?.state?.token === token ? new Error('what is stored has changed') : new Dispossessed(id);
      }
      version += 1;
    },
    tell: async () => {},
    release: async () => {},
  };
}

function queueOf(host: Host, { store }: Collection<unknown>, bus: Bus): OrderQueue {
  const documents = host.store(store as EntityStore<ExecutorState>);
  const stored = async () => (await documents.load([QUEUE])).get(QUEUE);
  const isQueued = (found: unknown): found is QueueRecord => (found as QueueRecord).kind === 'queued';
  return {
    progress: async () => progressOf((await stored()) ?? null),
    async after(entry, limit) {
      const riding = (await stored())?.journal ?? [];
      const written = (
        await documents.records(Array.from({ length: limit }, (_, n) => `queued:${entry + n + 1}`))
      ).values();
      return inRow([...riding, ...written].filter(isQueued), entry).slice(0, limit);
    },
    execute: executing(bus, host.clock),
  };
}

/** Every entry was executed, and what began then has ended. */
export function isWorkedOff({ homes, orders }: SimulatedTown): boolean {
  const { documents } = homes.get('executor')!;
  const progress = progressOf((documents.get(QUEUE) as { readonly state?: ExecutorState }) ?? null);
  const begun = [...documents.values()].every(({ state }) => {
    const { kind, orderId, started, withdrawn, order: queued } = state as EntryState;
    if (kind !== 'entry' || withdrawn || queued === undefined) return true;
    const order = orders.documents.get(orderId)?.state;
    return (
      started !== undefined && order !== undefined && order.status !== 'unplaced' && isEnded({ status: order.status })
    );
  });
  return progress.executed === progress.queued && begun;
}

/** I-13, of a town at rest. */
export function executorFaults(town: SimulatedTown): readonly string[] {
  const { documents, journal } = town.homes.get('executor')!;
  const found = documents.get(QUEUE);
  const state = found?.state as ExecutorState | undefined;
  if (state?.kind !== 'queue') return [];
  const { queued, records, fence } = state;
  const tally = queueTally();
  const riding = (found?.journal ?? []) as readonly QueueRecord[];
  tally.add({ queue: QUEUE, document: { queued, executed: fence.executed, term: fence.term, records, riding } });
  const written = [...journal.values()] as QueueRecord[];
  for (const record of written.toSorted((a, b) => b.seq - a.seq)) tally.add({ queue: QUEUE, record });
  const odd = tally.check({ exists: true } as never, { now: 0, hangingAfterMs: Infinity });
  return [
    ...odd.map((one) => `I-13: ${JSON.stringify(one)}`),
    ...(isWorkedOff(town)
      ? []
      : [`I-13: ${fence.executed} of ${queued} entries were executed, or not all of them have ended`]),
  ];
}

export function countExecuted({ homes }: Pick<SimulatedTown, 'homes'>): number {
  return progressOf((homes.get('executor')!.documents.get(QUEUE) as { readonly state?: ExecutorState }) ?? null)
    .executed;
}
