import type { Connection } from 'mongoose';
import { progressOf } from './access.ts';
import { QUEUE } from './contract.ts';
import { executorsCollection, queueCollection, queueRecords, type StoredEntry, type StoredRecord } from './model.ts';
import type { ExecutorLogView, ExecutorView, QueuedOrderView } from './shapes.ts';
import type { QueueRecord } from './state.ts';
import type { StoredExecutor } from './stored.ts';
import type { Page, PageQuery } from '#shared/web/cursors.ts';

export interface ExecutorQueries {
  /** In the order of the queue. */
  queue(query: PageQuery & { readonly state?: QueuedOrderView['state'] | undefined }): Promise<Page<QueuedOrderView>>;
  /** Every executor that is configured or ever ran, by id; `now`: epoch ms. */
  executors(now: number): Promise<readonly ExecutorView[]>;
  /** `undefined`: there is no such executor. */
  log(id: string): Promise<ExecutorLogView | undefined>;
}

/** An executor says once a second that it lives. */
const SILENT_MS = 4000;

/** Read-only queries on what the executors have stored. */
export function executorView(db: Connection): ExecutorQueries {
  const executors = () => db.collection<StoredExecutor>(executorsCollection);
  const records = () => db.collection<StoredRecord>(queueRecords);
  return {
    async queue({ limit, cursor, state }) {
      // The document first: a record leaves it only after it reached its collection.
      const stored = await db
        .collection<StoredEntry>(queueCollection)
        .findOne({ _id: QUEUE }, { projection: { state: 1, journal: 1 } });
      const { queued, executed } = progressOf(stored);
      const after = cursor !== undefined && /^\d{1,15}$/.test(cursor) ? Number(cursor) : 0;
      const first = Math.max(after, state === 'queued' ? executed : 0);
      const end = state === 'executed' ? executed : queued;
      const last = Math.min(end, first + limit);
      const written = await records()
        .find({ entry: { $gt: first, $lte: last }, kind: { $in: ['queued', 'executed'] } })
        .toArray();
      const riding = (stored?.journal ?? []).filter(({ entry }) => entry > first && entry <= last);
      const items = shown([...riding, ...written]);
      return last < end ? { items, nextCursor: String(last) } : { items };
    },
    async executors(now) {
      const found = await executors()
        .find({}, { projection: { entries: 0 } })
        .sort({ _id: 1 })
        .toArray();
      return found.map((one) => viewOf(one, now));
    },
    async log(id) {
      const stored = await executors().findOne({ _id: id });
      if (stored === null) return undefined;
      const { index, term, seq } = stored.snapshot;
      return {
        items: stored.entries.map((one) => ({
          index: one.index,
          term: one.term,
          ...(one.item !== undefined && { entry: one.item.seq, orderId: one.item.orderId }),
        })),
        snapshot: { index, term, entry: seq },
      };
    },
  };
}

/** Those that have a place, with what became of them; a record may be there twice. */
function shown(records: readonly QueueRecord[]): readonly QueuedOrderView[] {
  const executed = new Map(records.flatMap((one) => (one.kind === 'executed' ? [[one.entry, one] as const] : [])));
  const queued = new Map(records.flatMap((one) => (one.kind === 'queued' ? [[one.entry, one] as const] : [])));
  return [...queued.values()]
    .toSorted((a, b) => a.entry - b.entry)
    .map(({ entry, orderId, at }) => {
      const turn = executed.get(entry);
      const enqueuedAt = new Date(at).toISOString();
      if (turn === undefined) return { entry, orderId, state: 'queued', enqueuedAt };
      const executedAt = new Date(turn.at).toISOString();
      return { entry, orderId, state: 'executed', enqueuedAt, executedBy: turn.executor, term: turn.term, executedAt };
    });
}

function viewOf(
  { _id: id, term, votedFor, snapshot, standing, seenAt = 0 }: StoredExecutor,
  now: number,
): ExecutorView {
  const { leader, lastHeartbeatAt, since } = standing ?? {};
  return {
    id,
    role: standing?.role ?? 'follower',
    ...(typeof since === 'number' && { since: new Date(since).toISOString() }),
    term,
    ...(typeof votedFor === 'string' && { votedFor }),
    ...(typeof leader === 'string' && { leader }),
    ...(typeof lastHeartbeatAt === 'number' && { lastHeartbeatAt: new Date(lastHeartbeatAt).toISOString() }),
    lastIndex: standing?.lastIndex ?? snapshot.index,
    commitIndex: standing?.commitIndex ?? snapshot.index,
    executed: standing?.executed ?? snapshot.seq,
    alive: now - seenAt < SILENT_MS,
  };
}
