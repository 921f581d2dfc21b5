import { z } from 'zod';
import type { StubAnswer } from '#local/stand-ins/stub-server.ts';

const id = z.string().min(1).max(300);
export const parcelSchema = z.strictObject({
  deliveryId: id,
  orderId: id,
  items: z.array(z.strictObject({ sku: z.string().min(1), quantity: z.int().min(1) })).min(1),
});
export type Parcel = z.infer<typeof parcelSchema>;

/** What cannot be delivered: every parcel with one of these is refused. */
const NO_DELIVERY: readonly string[] = ['no-delivery'];

export interface WarehouseDelivery {
  readonly id: string;
  readonly status: 'arranged' | 'cancelled';
  readonly orderId?: string;
  readonly items?: Parcel['items'];
}

/** The warehouse's book, in memory: it starts empty each time. A cancelled delivery refuses what arrives after it. */
export function createWarehouseDeliveries() {
  const deliveries = new Map<string, WarehouseDelivery>();
  const store = (status: number, delivery: WarehouseDelivery): StubAnswer => {
    deliveries.set(delivery.id, delivery);
    return { status, body: delivery };
  };
  const refuse = (status: number, reason: string): StubAnswer => ({ status, body: { reason } });

  return {
    find: (deliveryId: string) => deliveries.get(deliveryId),
    take({ deliveryId, orderId, items }: Parcel): StubAnswer {
      const before = deliveries.get(deliveryId);
      if (before) return refuse(409, before.status === 'cancelled' ? 'already_cancelled' : 'already_arranged');
      if (items.some(({ sku }) => NO_DELIVERY.includes(sku))) return refuse(400, 'not_deliverable');
      return store(201, { id: deliveryId, status: 'arranged', orderId, items });
    },
    cancel: (deliveryId: string): StubAnswer =>
      store(200, { ...deliveries.get(deliveryId), id: deliveryId, status: 'cancelled' }),
  };
}
