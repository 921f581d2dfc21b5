import type { Connection } from 'mongoose';
import { z } from 'zod';
import { orderLogsCollection, sagasCollection, type StoredSaga } from './model.ts';
import { loggedStatuses, logRows, type LogRow } from './order-logs.ts';
import { documentsById, type Source } from '#shared/database/pages.ts';
import type { Projection } from '#shared/database/rebuilding.ts';
import { named, shape, time } from '#shared/web/shapes.ts';

/** A row of an order's log as the API shows it. */
export const orderLogShape = named(
  'OrderLog',
  shape({
    id: z.string().describe('The order and the place in its log.'),
    orderId: z.string().describe('Whose log.'),
    status: z
      .enum(loggedStatuses)
      .describe(
        'What the order became. `processed` is what the order calls `completed`; docs/order-logs.md maps the words.',
      ),
    processedAt: time.describe('When.'),
    errorMessage: z.string().optional().describe('Why it failed, or is tried again.'),
  }).meta({
    examples: [
      {
        id: '0193f7a0-5a5a-7000-8000-00004f2a91bc:3',
        orderId: '0193f7a0-5a5a-7000-8000-00004f2a91bc',
        status: 'retrying',
        processedAt: '2026-11-28T13:05:00.640Z',
        errorMessage: 'card_declined',
      },
    ],
  }),
);
export type OrderLogView = z.infer<typeof orderLogShape>;

/** The log of an order, oldest first; what still rides in the saga's document counts. */
export async function orderLogs(db: Connection, orderId: string): Promise<readonly OrderLogView[]> {
  const [rows = []] = [...(await rowsOf(db, [orderId])).values()];
  return rows.map(({ id, status, at, errorMessage }) => ({
    id,
    orderId,
    status,
    processedAt: new Date(at).toISOString(),
    ...(errorMessage !== undefined && { errorMessage }),
  }));
}

type StoredRow = LogRow & { readonly _id: string };
const rowsIn = (db: Connection) => db.getClient().db(db.name).collection<StoredRow>(orderLogsCollection);

/** The rows of these orders, in order. The sagas are read first: what left one meanwhile is in the collection by then. */
async function rowsOf(db: Connection, orderIds: readonly string[]): Promise<ReadonlyMap<string, readonly LogRow[]>> {
  const sagas = await db
    .getClient()
    .db(db.name)
    .collection<StoredSaga>(sagasCollection)
    .find({ _id: { $in: [...orderIds] } }, { projection: { journal: 1 } })
    .toArray();
  const written = await rowsIn(db)
    .find({ orderId: { $in: [...orderIds] } })
    .sort({ orderId: 1, seq: 1 })
    .toArray();
  const all = [...sagas.flatMap(({ journal = [] }) => journal), ...written];
  const distinct = [...new Map(all.map((row) => [row.id, row])).values()].toSorted((a, b) => a.seq - b.seq);
  return Map.groupBy(distinct, ({ orderId }) => orderId);
}

/** An order with its rows, in order. */
export interface AuditedLog {
  readonly orderId: string;
  readonly rows: readonly LogRow[];
}

/** The logs of all orders, by order. */
export function auditedLogs(db: Connection): Source<AuditedLog> {
  const logOf = async (orderId: string): Promise<AuditedLog> => ({
    orderId,
    rows: await rowsIn(db).find({ orderId }).sort({ seq: 1 }).toArray(),
  });
  return {
    async *pages(size) {
      for (let after = ''; ;) {
        const found = await rowsIn(db)
          .find({ orderId: { $gt: after } })
          .sort({ orderId: 1, seq: 1 })
          .limit(size)
          .toArray();
        const logs = [...Map.groupBy(found, ({ orderId }) => orderId)].map(([orderId, rows]) => ({ orderId, rows }));
        if (found.length < size) {
          yield logs;
          return;
        }
        // The last order of a page may go on behind it.
        const whole = logs.length > 1 ? logs.slice(0, -1) : [await logOf(logs[0]!.orderId)];
        yield whole;
        after = whole.at(-1)!.orderId;
      }
    },
    async of(orderIds) {
      return [...(await rowsOf(db, orderIds))].map(([orderId, rows]) => ({ orderId, rows }));
    },
  };
}

/** What `order_logs` follows from: the sagas, those of the archive too. */
export const orderLogsProjection: Projection = {
  collection: orderLogsCollection,
  about: 'orderId',
  things: (db) =>
    documentsById<StoredSaga, { readonly about: string; readonly rows: readonly LogRow[] }>(db, {
      collection: sagasCollection,
      archived: true,
      fields: { state: 1 },
      row: ({ _id: about, state }) => state && { about, rows: logRows(about, state) },
    }),
};
