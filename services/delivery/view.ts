import type { Connection } from 'mongoose';
import { z } from 'zod';
import { deliveryIdOf } from './contract.ts';
import type { DeliveryState } from './delivery.ts';
import { deliveriesCollection, type StoredDelivery } from './model.ts';
import { storedById } from '#shared/database/archive.ts';
import { documentsById, type Source } from '#shared/database/pages.ts';
import { named, shape, time } from '#shared/web/shapes.ts';

/** A delivery as the API shows it. */
export const deliveryShape = named(
  'Delivery',
  shape({
    id: z.string(),
    orderId: z.string(),
    customerId: z.string(),
    items: z.array(shape({ sku: z.string(), quantity: z.int() })).readonly(),
    status: z.enum(['dispatched', 'refused', 'cancelled']),
    dispatchedAt: time.optional(),
    /** Why it was refused or cancelled. */
    reason: z.string().optional(),
    createdAt: time,
  }),
);
export type DeliveryView = z.infer<typeof deliveryShape>;

export interface DeliveryQueries {
  /** One, or none yet. */
  byOrder(orderId: string): Promise<{ readonly items: readonly DeliveryView[] }>;
}

/** Read-only queries on the delivery service's collection. */
export function deliveryView(db: Connection): DeliveryQueries {
  return {
    async byOrder(orderId) {
      const stored = await storedById<StoredDelivery>(db, deliveriesCollection, orderId, { state: 1 });
      const view = stored?.state && shown(stored.state);
      return { items: view ? [view] : [] };
    },
  };
}

/** A delivery's state in the API's shape; `undefined` when it was cancelled before it was asked for. */
export function shown(state: DeliveryState): DeliveryView | undefined {
  const { details, createdAt } = state;
  if (details === undefined || createdAt === undefined) return undefined;
  const { orderId, customerId, items } = details;
  const dispatchedAt = 'dispatchedAt' in state ? state.dispatchedAt : undefined;
  return {
    id: deliveryIdOf(orderId),
    orderId,
    customerId,
    items,
    status: state.status,
    ...(dispatchedAt !== undefined && { dispatchedAt: new Date(dispatchedAt).toISOString() }),
    ...('reason' in state && { reason: state.reason }),
    createdAt: new Date(createdAt).toISOString(),
  };
}

/** What an audit reads of a delivery. */
export interface AuditedDelivery {
  readonly orderId: string;
  readonly status: DeliveryState['status'];
  /** Epoch ms. */
  readonly dispatchedAt?: number;
}

/** Every delivery that was asked for or cancelled, by order. */
export function auditedDeliveries(db: Connection): Source<AuditedDelivery> {
  return documentsById<StoredDelivery, AuditedDelivery>(db, {
    collection: deliveriesCollection,
    archived: true,
    fields: { 'state.status': 1, 'state.dispatchedAt': 1 },
    row({ _id: orderId, state }) {
      if (state === undefined) return undefined;
      const dispatchedAt = 'dispatchedAt' in state ? state.dispatchedAt : undefined;
      return { orderId, status: state.status, ...(dispatchedAt !== undefined && { dispatchedAt }) };
    },
  });
}
