import type { Connection } from 'mongoose';
import { reservedBy } from './claims.ts';
import { movementsCollection, stockCollection, type StoredItem } from './model.ts';
import { isMovement, type Movement } from './movements.ts';
import type { StockState } from './state.ts';
import { placedOrder } from '#services/order/contract.ts';
import type { AuditSource } from '#shared/audit-rule.ts';
import { mapped, numberedBy } from '#shared/database/numbered.ts';
import { documentsById, type Source } from '#shared/database/pages.ts';
import { sideBySide } from '#shared/database/side-by-side.ts';

/** What an audit reads of a stock item. */
export interface AuditedItem extends Pick<StockState, 'sku' | 'onHand' | 'reserved' | 'movements'> {
  readonly isKept: boolean;
  /** The sum of its open reservations, in the document and elsewhere. */
  readonly open: number;
  /** Movements that may not be in their collection yet; those of the collection count up to `movements`. */
  readonly riding: readonly Movement[];
}

type StoredMovement = Movement & { readonly _id: string };

/** Every item, by SKU. */
function auditedItems(db: Connection): Source<AuditedItem> {
  return documentsById<StoredItem, AuditedItem>(db, {
    collection: stockCollection,
    fields: { state: 1, journal: 1 },
    row({ _id: sku, state, journal = [] }) {
      if (state === undefined) return undefined;
      const { onHand, reserved, movements } = state;
      const open = state.claims.reduce((sum, claim) => sum + reservedBy(claim), state.openElsewhere?.quantity ?? 0);
      const riding = journal.filter(isMovement);
      return { sku, isKept: state.status === 'open', onHand, reserved, movements, open, riding };
    },
  });
}

/** An item, or one of its movements: the item comes first, then its movements that are in their collection, the newest first. */
export type ShelfRow = { readonly sku: string } & (
  | { readonly item: AuditedItem; readonly movement?: never }
  | { readonly movement: Movement; readonly item?: never }
);

/** So many movements of one item are read at once. */
const MOVEMENTS = 500;

/** Every item with its movements. An item is read before them: one leaves its document only after it has reached the collection. */
export function auditedShelves(db: Connection): AuditSource<ShelfRow> {
  const items = auditedItems(db);
  const itemRow = (item: AuditedItem): ShelfRow => ({ sku: item.sku, item });
  const movementRow = (movement: Movement): ShelfRow => ({ sku: movement.sku, movement });
  const movements = (size: number, only?: string) =>
    mapped(
      numberedBy<StoredMovement, 'sku'>(db, { collection: movementsCollection, owner: 'sku' }, size, only),
      movementRow,
    );
  return {
    pages: (size) => sideBySide([mapped(items.pages(size), itemRow), movements(size)], ({ sku }) => sku, size),
    async *of(skus) {
      for (const sku of skus) {
        yield (await items.of([sku])).map(itemRow);
        yield* movements(MOVEMENTS, sku);
      }
    },
  };
}

/** A movement that an order caused. */
export interface OrdersMovement extends Pick<Movement, 'id' | 'sku' | 'kind' | 'quantity' | 'at'> {
  readonly orderId: string;
}

/** The movements of orders, by order; those of one order come all together, however many they are. */
export function auditedTakings(db: Connection): AuditSource<OrdersMovement> {
  const written = (orderId: unknown) =>
    // A claim that left has no number.
    db.collection<StoredMovement>(movementsCollection).find({ orderId, seq: { $gt: 0 } } as object);
  return {
    async *pages(size) {
      for (let after: string | undefined = ''; after !== undefined;) {
        const found: readonly StoredMovement[] = await written({ $gt: after })
          .sort({ orderId: 1 })
          .limit(size)
          .toArray();
        after = found.length < size ? undefined : found.at(-1)!.orderId;
        const whole = found.filter(({ orderId }) => orderId !== after);
        const last = after === undefined ? [] : await written(after).toArray();
        yield [...whole, ...last].flatMap(ordersMovement);
      }
    },
    async of(orderIds, known) {
      const skus = new Set(known.flatMap(({ told }) => told(placedOrder)?.items.map(({ sku }) => sku) ?? []));
      const wanted = new Set<string | undefined>(orderIds);
      // The items first: a movement leaves its document only after it reached its collection.
      const items = await db
        .collection<StoredItem>(stockCollection)
        .find({ _id: { $in: [...skus] } }, { projection: { journal: 1 } })
        .toArray();
      const riding = items.flatMap(({ journal = [] }) => journal.filter(isMovement));
      const all: Movement[] = riding.filter(({ orderId }) => wanted.has(orderId));
      for (const orderId of orderIds) all.push(...(await written(orderId).toArray()));
      return [...new Map(all.map((movement) => [movement.id, movement])).values()].flatMap(ordersMovement);
    },
  };
}

function ordersMovement({ id, sku, kind, quantity, orderId, at }: Movement): readonly OrdersMovement[] {
  return orderId === undefined ? [] : [{ id, sku, kind, quantity, orderId, at }];
}
