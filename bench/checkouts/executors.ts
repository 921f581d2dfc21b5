import { inRow, executing, progressOf } from '#services/executor/access.ts';
import { executorIds, QUEUE } from '#services/executor/contract.ts';
import { startExecutors } from '#services/executor/executors.ts';
import type { OrderQueue } from '#services/executor/leading.ts';
import type { MemberStore } from '#services/executor/member.ts';
import type { Durable } from '#services/executor/raft/state.ts';
import type { ExecutorState, QueueRecord } from '#services/executor/state.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { systemClock } from '#shared/clock.ts';
import type { MemoryStore } from '#shared/entity/stores/memory-store.ts';
import { silentLog } from '#shared/log.ts';

export interface BenchExecutors {
  /** Resolves when one leads. */
  readonly led: Promise<void>;
  /** How often one was elected. */
  readonly elections: () => number;
  stop(): Promise<void>;
}

/** Three executors that work off the queue in this store; what they must not forget is in memory, too. */
export function benchExecutors(bus: Bus, store: MemoryStore<unknown>): BenchExecutors {
  const members = executorIds(3);
  const led = Promise.withResolvers<void>();
  let elections = 0;
  const executors = startExecutors({
    members,
    wanted: members,
    most: members.length,
    enrol: async () => {},
    claim: async () => memberStore(),
    queue: queueIn(store as MemoryStore<ExecutorState>, bus),
    bus,
    clock: systemClock,
    log: silentLog,
    onRole(_id, { role }) {
      if (role !== 'leader') return;
      elections += 1;
      led.resolve();
    },
  });
  return { led: led.promise, elections: () => elections, stop: executors.stop };
}

function memberStore(): MemberStore {
  let stored: Durable | undefined;
  return {
    load: async () => stored,
    async save(durable) {
      stored = durable;
    },
    tell: async () => {},
    release: async () => {},
  };
}

function queueIn(store: MemoryStore<ExecutorState>, bus: Bus): OrderQueue {
  const queue = () => store.documents.get(QUEUE);
  const isQueued = (one: unknown): one is QueueRecord => (one as QueueRecord).kind === 'queued';
  return {
    progress: async () => progressOf(queue() ?? null),
    async after(entry, limit) {
      const riding = queue()?.journal ?? [];
      const ids = Array.from({ length: limit }, (_, n) => `queued:${entry + n + 1}`);
      const written = (await store.records(ids)).values();
      return inRow([...riding, ...written].filter(isQueued), entry).slice(0, limit);
    },
    execute: executing(bus, systemClock),
  };
}
