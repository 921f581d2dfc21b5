import type { Connection } from 'mongoose';
import { QUEUE } from './contract.ts';
import { queueCollection, queueRecords, type StoredEntry, type StoredRecord } from './model.ts';
import type { QueueRecord } from './state.ts';
import type { AuditSource } from '#shared/audit-rule.ts';
import { mapped, numberedBy } from '#shared/database/numbered.ts';

/** What an audit reads of the queue's document. */
export interface AuditedQueue {
  readonly queued: number;
  readonly executed: number;
  /** The newest term that the queue has seen. */
  readonly term: number;
  readonly records: number;
  /** Records that may not be in their collection yet. */
  readonly riding: readonly QueueRecord[];
}

/** The queue, then its records that are in their collection, the newest first. */
export type QueueRow = { readonly queue: string } & (
  | { readonly document: AuditedQueue; readonly record?: never }
  | { readonly record: QueueRecord; readonly document?: never }
);

/** So many records are read at once. */
const RECORDS = 500;

/** The queue is read before its records: one leaves the document only after it has reached the collection. */
export function auditedQueues(db: Connection): AuditSource<QueueRow> {
  async function document(): Promise<readonly QueueRow[]> {
    const stored = await db
      .collection<StoredEntry>(queueCollection)
      .findOne({ _id: QUEUE }, { projection: { state: 1, journal: 1 } });
    if (stored?.state?.kind !== 'queue') return [];
    const { queued, fence, records } = stored.state;
    const { executed, term } = fence;
    return [{ queue: QUEUE, document: { queued, executed, term, records, riding: stored.journal ?? [] } }];
  }
  const records = (size: number) =>
    mapped(
      numberedBy<StoredRecord, 'queue'>(db, { collection: queueRecords, owner: 'queue' }, size, QUEUE),
      (record): QueueRow => ({ queue: QUEUE, record }),
    );
  return {
    async *pages(size) {
      yield await document();
      yield* records(size);
    },
    async *of(ids) {
      if (!ids.includes(QUEUE)) return;
      yield await document();
      yield* records(RECORDS);
    },
  };
}
