import type { createWarehouseDeliveries } from '#local/stand-ins/warehouse/deliveries.ts';
import type { Warehouse } from '#services/delivery/warehouse.ts';

/** The simulated warehouse's book without HTTP between. */
export function warehouseOf(deliveries: ReturnType<typeof createWarehouseDeliveries>): Warehouse {
  return {
    async dispatch({ deliveryId, orderId, items }) {
      const { status, body } = deliveries.take({ deliveryId, orderId, items: [...items] });
      return status < 300 ? { accepted: true } : { accepted: false, reason: (body as { reason: string }).reason };
    },
    cancel: async ({ deliveryId }) => void deliveries.cancel(deliveryId),
  };
}
