import { place } from '#services/order/contract.ts';
import { SAGA_ROUTE } from '#services/saga/contract.ts';
import { topUp } from '#services/wallet/contract.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { inbox } from '#shared/bus/topology/topology.ts';

export const CUSTOMERS = 200;
const PRICE = { amount: 1299, currency: 'EUR' } as const;

/** Gives every customer enough money for the whole benchmark. */
export async function fillWallets(bus: Bus, customers = CUSTOMERS): Promise<void> {
  await Promise.all(
    Array.from({ length: customers }, (_, index) => {
      const customerId = `customer-${index}`;
      const topUpId = `${customerId}:bench`;
      const body = { customerId, topUpId, amount: { amount: 1_000_000_000, currency: 'EUR' } as const };
      const message = { id: topUpId, type: topUp.name, key: customerId, body, correlationId: topUpId };
      return bus.publish(inbox('wallet'), encode(message));
    }),
  );
}

/** An order message as the gateway sends it. */
export function orderMessage(orderId: string, customer: number, customers = CUSTOMERS) {
  return {
    id: `${orderId}:place`,
    type: place.name,
    key: orderId,
    correlationId: orderId,
    replyTo: { route: SAGA_ROUTE, key: orderId },
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    body: {
      orderId,
      customerId: `customer-${customer % customers}`,
      email: 'someone@example.org',
      items: [{ sku: 'book', quantity: 1, unitPrice: PRICE }],
      total: PRICE,
      paymentMethod: 'pm_ok',
    },
  };
}
