import { entryKey } from './contract.ts';
import type { ExecutorState, QueueRecord } from './state.ts';
import type { ArchiveRule } from '#shared/database/archive.ts';

export const queueCollection = 'order_queue';
/** Who stands where, and who executed what. */
export const queueRecords = 'order_queue_records';
/** What each executor has of its own: term, vote, log, and when it was seen. */
export const executorsCollection = 'executors';

/** For the queue's records, newest first; for a page of it by place; for an order's. */
export const recordIndexes = [{ queue: 1, seq: -1 }, { kind: 1, entry: 1 }, { orderId: 1 }] as const;

/** An order that was executed, or withdrawn; the queue itself never ends. */
export const entryArchive: ArchiveRule<ExecutorState> = {
  prefix: entryKey(''),
  endedAt: (state) => (state.kind === 'entry' ? (state.started?.at ?? (state.withdrawn ? 0 : undefined)) : undefined),
};

export type StoredRecord = QueueRecord & { readonly _id: string };

/** What is read of a stored document; `_id` is its key. */
export interface StoredEntry {
  readonly _id: string;
  readonly state?: ExecutorState;
  /** Records that may not be in their collection yet. */
  readonly journal?: readonly QueueRecord[];
}
