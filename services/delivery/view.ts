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
    id: z.string().describe('The id of the delivery.'),
    orderId: z.string().describe('Whose delivery.'),
    customerId: z.string().describe('Who gets it.'),
    items: z
      .array(shape({ sku: z.string().describe('What.'), quantity: z.int().describe('How many.') }))
      .readonly()
      .describe('What is delivered, each sku once.'),
    status: z.enum(['dispatched', 'refused', 'cancelled']).describe('What the warehouse made of it.'),
    dispatchedAt: time.optional().describe('When the warehouse took it.'),
    reason: z.string().optional().describe('Why it was refused or cancelled.'),
    createdAt: time.describe('When it was first asked for.'),
  }).meta({
    examples: [
      {
        id: 'dlv-0193f7a0-5a5a-7000-8000-00004f2a91bc',
        orderId: '0193f7a0-5a5a-7000-8000-00004f2a91bc',
        customerId: 'alice',
        items: [{ sku: 'book', quantity: 2 }],
        status: 'dispatched',
        dispatchedAt: '2026-11-28T13:05:00.640Z',
        createdAt: '2026-11-28T13:05:00.640Z',
      },
    ],
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
