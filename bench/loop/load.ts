import { place } from '#services/order/contract.ts';
import { SAGA_ROUTE } from '#services/saga/contract.ts';
import { topUp } from '#services/wallet/contract.ts';
import { open } from '#services/stock/contract.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { inbox } from '#shared/bus/topology/topology.ts';
import type { CommandType } from '#shared/message.ts';

export const CUSTOMERS = 200;
const PRICE = { amount: 1299, currency: 'EUR' } as const;

/** How many goods there are; an order is for one of them, by its customer. */
const GOODS = 20;

/** Gives every customer enough money, and every good enough stock, for the whole benchmark. */
export async function fillUp(bus: Bus, customers = CUSTOMERS): Promise<void> {
  const put = <Body>(type: CommandType<Body>, body: Body, key: string): Promise<void> => {
    const id = `${key}:bench`;
    return bus.publish(inbox(type.route), encode({ id, type: type.name, key, body, correlationId: id }));
  };
  await Promise.all([
    ...Array.from({ length: customers }, (_, index) => {
      const customerId = `customer-${index}`;
      const amount = { amount: 1_000_000_000, currency: 'EUR' } as const;
      return put(topUp, { customerId, topUpId: `${customerId}:bench`, amount }, customerId);
    }),
    ...Array.from({ length: Math.min(GOODS, customers) }, (_, index) => {
      const sku = skuOf(index);
      return put(open, { sku, quantity: 1_000_000_000 }, sku);
    }),
  ]);
}

/** Whether a message belongs to filling up, not to an order. */
export function isFillingUp(type: string): boolean {
  return type === topUp.name || type === open.name;
}

function skuOf(customer: number): string {
  return `book-${customer % GOODS}`;
}

/** An order message as the gateway sends it. */
export function orderMessage(orderId: string, customer: number, customers = CUSTOMERS) {
  const index = customer % customers;
  return {
    id: `${orderId}:place`,
    type: place.name,
    key: orderId,
    correlationId: orderId,
    replyTo: { route: SAGA_ROUTE, key: orderId },
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    body: {
      orderId,
      customerId: `customer-${index}`,
      email: 'someone@example.org',
      items: [{ sku: skuOf(index), quantity: 1, unitPrice: PRICE }],
      total: PRICE,
      paymentMethod: 'pm_ok',
    },
  };
}
