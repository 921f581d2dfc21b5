import type { Connection } from 'mongoose';
import { execute, QUEUE } from './contract.ts';
import type { OrderQueue, Progress } from './leading.ts';
import { queueCollection, queueRecords, type StoredEntry, type StoredRecord } from './model.ts';
import type { QueueItem } from './raft/log.ts';
import type { ExecutorState } from './state.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { encodeSend } from '#shared/bus/envelope.ts';
import { hash } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { majorityCollection } from '#shared/database/majority.ts';

/** Past this nothing that was asked for comes again. */
const REMEMBERED_MS = 60_000;

/** The order queue for those who lead: read where its documents are, asked like any other key. */
export function orderQueue(db: Connection, bus: Pick<Bus, 'publish'>, clock: Clock): OrderQueue {
  const documents = () => majorityCollection<StoredEntry>(db, queueCollection);
  const records = () => majorityCollection<StoredRecord>(db, queueRecords);
  return {
    async progress() {
      const stored = await documents().findOne({ _id: QUEUE }, { projection: { state: 1 } });
      return progressOf(stored);
    },
    async after(entry, limit) {
      // The document first: a record leaves it only after it reached its collection.
      const riding = (await documents().findOne({ _id: QUEUE }, { projection: { journal: 1 } }))?.journal ?? [];
      const written = await records()
        .find({ kind: 'queued', entry: { $gt: entry, $lte: entry + limit } })
        .sort({ entry: 1 })
        .toArray();
      return inRow([...riding.filter(({ kind }) => kind === 'queued'), ...written], entry).slice(0, limit);
    },
    execute: executing(bus, clock),
  };
}

/** Asks the queue to execute, like any other key. */
export function executing(bus: Pick<Bus, 'publish'>, clock: Clock): OrderQueue['execute'] {
  return async (term, executor, items) => {
    const entries = items.map(({ seq: entry, orderId }) => ({ entry, orderId }));
    const id = clock.id();
    const message = {
      id,
      type: execute.name,
      key: QUEUE,
      body: { term, executor, entries },
      correlationId: id,
      rememberUntil: clock.now() + REMEMBERED_MS,
    };
    const exchange = hash(execute.route);
    await bus.publish(exchange, encodeSend({ exchange, message }, clock.now()));
  };
}

export function progressOf(stored: { readonly state?: ExecutorState | undefined } | null): Progress {
  const state = stored?.state;
  if (state?.kind !== 'queue') return { queued: 0, executed: 0, refused: 0 };
  return { queued: state.queued, executed: state.fence.executed, refused: state.refused };
}

/** The items that follow the entry without a gap; a record may be there twice. */
export function inRow(
  found: readonly { readonly entry: number; readonly orderId: string }[],
  entry: number,
): readonly QueueItem[] {
  const orderOf = new Map(found.map((one) => [one.entry, one.orderId]));
  const items: QueueItem[] = [];
  for (let seq = entry + 1; orderOf.has(seq); seq += 1) items.push({ seq, orderId: orderOf.get(seq)! });
  return items;
}
