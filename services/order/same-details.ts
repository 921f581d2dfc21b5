import type { OrderDetails } from './contract.ts';

/** Compares by value and by field, because a stored body may come back with its fields in another order. */
export function sameDetails(a: OrderDetails, b: OrderDetails): boolean {
  return fingerprint(a) === fingerprint(b);
}

function fingerprint({ orderId, customerId, email, items, priced = [], total, paymentMethod }: OrderDetails): string {
  return JSON.stringify([
    [orderId, customerId, email, paymentMethod, total.amount, total.currency],
    items.map(({ sku, quantity, unitPrice }) => [sku, quantity, unitPrice.amount, unitPrice.currency]),
    priced.map(({ line, amount, by }) => [line, amount, by]),
  ]);
}
