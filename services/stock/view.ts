import type { Connection } from 'mongoose';
import type { StockLevel } from './contract.ts';
import { isMovement, type Movement } from './movements.ts';
import { movementsCollection, stockCollection, type StoredItem } from './model.ts';
import { reservationsOf } from './reservations.ts';
import type { MovementView, ReservationView } from './shapes.ts';
import type { StockState } from './state.ts';
import { storedAnswerTo } from '#shared/entity/stores/mongo-store.ts';
import type { Page, PageQuery } from '#shared/web/cursors.ts';

export interface StockQueries {
  /** `undefined`: no stock of it is kept. */
  item(sku: string): Promise<StockLevel | undefined>;
  /** By SKU; `belowAvailable`: only those of which less is available. */
  items(query: PageQuery & { readonly belowAvailable?: number | undefined }): Promise<Page<StockLevel>>;
  /** Newest first. */
  movements(sku: string, query: PageQuery): Promise<Page<MovementView>>;
  /** Those that are open, by order. */
  reservations(sku: string, query: PageQuery): Promise<Page<ReservationView>>;
  /** The answer to a command, whoever asked for it; `undefined`: not handled yet. */
  outcome(sku: string, messageId: string): Promise<{ readonly type: string; readonly body: unknown } | undefined>;
}

/** Read-only queries on the stock service's collections. */
export function stockView(db: Connection): StockQueries {
  const items = () => db.collection<StoredItem>(stockCollection);
  return {
    async item(sku) {
      const stored = await items().findOne({ _id: sku }, { projection: { state: 1 } });
      return stored?.state?.status === 'open' ? levelOf(stored.state) : undefined;
    },
    async items({ limit, cursor, belowAvailable }) {
      const found = await items()
        .find(
          {
            ...(cursor !== undefined && { _id: { $gt: cursor } }),
            'state.status': 'open',
            ...(belowAvailable !== undefined && { 'state.available': { $lt: belowAvailable } }),
          },
          { projection: { 'state.claims': 0, 'state.adjustments': 0, handled: 0, journal: 0 } },
        )
        .sort({ _id: 1 })
        .limit(limit + 1)
        .toArray();
      const page = found.slice(0, limit).flatMap(({ state }) => (state === undefined ? [] : [levelOf(state)]));
      const last = page.at(-1);
      return found.length > limit && last !== undefined ? { items: page, nextCursor: last.sku } : { items: page };
    },
    async movements(sku, { limit, cursor }) {
      const below = cursor !== undefined && /^\d{1,15}$/.test(cursor) ? Number(cursor) : Number.MAX_SAFE_INTEGER;
      // The document first: a movement leaves it only after it reached its collection.
      const riding = (await items().findOne({ _id: sku }, { projection: { journal: 1 } }))?.journal ?? [];
      const written = await db
        .collection<Movement & { readonly _id: string }>(movementsCollection)
        .find({ sku, seq: { $lt: below } })
        .sort({ seq: -1 })
        .limit(limit + 1)
        .toArray();
      return pageOf([...written, ...riding.filter(isMovement).filter(({ seq }) => seq < below)], limit);
    },
    reservations: (sku, query) => reservationsOf(db, sku, query),
    outcome: (sku, messageId) => storedAnswerTo(db, stockCollection, sku, messageId),
  };
}

export function levelOf({ sku, onHand, reserved, version }: StockState): StockLevel {
  return { sku, onHand, reserved, available: onHand - reserved, version };
}

/** One page of movements that may contain doubles, in any order. */
function pageOf(movements: readonly Movement[], limit: number): Page<MovementView> {
  const distinct = [...new Map(movements.map((one) => [one.seq, one])).values()].toSorted((a, b) => b.seq - a.seq);
  const page = distinct.slice(0, limit);
  const items = page.map(({ seq, kind, quantity, orderId, reason, at }) => ({
    id: String(seq),
    kind,
    quantity,
    ...(orderId !== undefined && { orderId }),
    ...(reason !== undefined && { reason }),
    at: new Date(at).toISOString(),
  }));
  const last = page.at(-1);
  return distinct.length > limit && last !== undefined ? { items, nextCursor: String(last.seq) } : { items };
}
