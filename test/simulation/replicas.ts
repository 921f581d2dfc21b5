/**
 * The members of a replica set behind the stores of a town. A write is first *written*, on the primary alone, then a *majority* has it,
 * in the order of the writes and a while later. A primary that is cut off from the others goes on to write; when another one is elected
 * instead, what only the old one had is rolled back, and whoever waited for a majority is told that it failed.
 */
import type { Clock } from '#shared/clock.ts';
import { createMemoryStore, type MemoryStore } from '#shared/entity/stores/memory-store.ts';
import type { EntityStore } from '#shared/entity/store.ts';
import { DECIDING } from '#shared/database/majority.ts';

export interface Replicas {
  /** A collection that begins empty. */
  collection<State>(): Collection<State>;
  /** From now on no write reaches a majority, until `end`. */
  cutOff(end: 'the others are back' | 'another primary', ms: number): void;
}

export interface Collection<State> {
  /** As every worker uses it. */
  readonly store: EntityStore<State>;
  /** What a majority has: what will ever have been true. */
  readonly majority: MemoryStore<State>;
  /** What a read sees that decides. */
  seen(): MemoryStore<State>;
}

interface Write {
  /** Does it once more, on what a majority has. */
  replicate(): Promise<unknown>;
  resolve(): void;
  reject(reason: Error): void;
}

/** `lagMs`: how long a write takes to a majority; absent: no time at all, and no primary is ever cut off. */
export function createReplicas(clock: Clock, lagMs?: () => number): Replicas {
  const rollBacks: (() => void)[] = [];
  let log: Write[] = [];
  let replicating = false;
  let isCutOff = false;

  async function replicate(): Promise<void> {
    if (replicating || lagMs === undefined) return;
    replicating = true;
    while (log.length > 0 && !isCutOff) {
      await clock.sleep(lagMs());
      const batch = isCutOff ? [] : log;
      if (batch.length > 0) log = [];
      for (const write of batch) {
        await write.replicate();
        write.resolve();
      }
    }
    replicating = false;
  }

  function rollBack(): void {
    const lost = log;
    log = [];
    for (const run of rollBacks) run();
    for (const { reject } of lost) reject(new Error('simulated: another primary was elected'));
  }

  function collection<State>(): Collection<State> {
    const majority = createMemoryStore<State>({ now: clock.now });
    if (lagMs === undefined) return { store: majority, majority, seen: () => majority };
    let written = createMemoryStore<State>({ now: clock.now });
    const seen = (): MemoryStore<State> => (DECIDING.readConcern.level === 'majority' ? majority : written);
    rollBacks.push(() => {
      written = copyOf(majority, clock.now);
    });

    async function write<T>(run: (store: EntityStore<State>) => Promise<T>): Promise<T> {
      const running = run(written);
      const reached = Promise.withResolvers<void>();
      // Writes are replicated in their order, so that each has the same outcome everywhere.
      log.push({ ...reached, replicate: () => run(majority).catch(() => {}) });
      void replicate();
      const [outcome] = await Promise.allSettled([running]);
      if (DECIDING.writeConcern.w === 'majority') await reached.promise;
      else reached.promise.catch(() => {});
      if (outcome.status === 'rejected') throw outcome.reason as Error;
      return outcome.value;
    }

    const store: EntityStore<State> = {
      load: (keys) => seen().load(keys),
      recall: (key, ids) => seen().recall(key, ids),
      records: (ids) => seen().records(ids),
      due: (now, limit) => seen().due(now, limit),
      commit: (writes) => write((to) => to.commit(writes)),
      append: (records) => write((to) => to.append(records)),
      remember: (records) => write((to) => to.remember(records)),
    };
    return { store, majority, seen };
  }

  return {
    collection,
    cutOff(end, ms) {
      isCutOff = true;
      clock.after(ms, () => {
        isCutOff = false;
        if (end === 'another primary') rollBack();
        void replicate();
      });
    },
  };
}

/** A memory store has done what it is asked for before its promise is returned. */
function copyOf<State>(store: MemoryStore<State>, now: () => number): MemoryStore<State> {
  const copy = createMemoryStore<State>({ now });
  void copy.commit([...store.documents.values()].map((document) => ({ over: document.version, document })));
  void copy.append([...store.journal.values()]);
  for (const [key, ids] of store.remembered) void copy.remember([...ids.values()].map((handled) => ({ key, handled })));
  return copy;
}
