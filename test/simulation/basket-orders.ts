/** BK-14: an order of a basket is charged what the basket showed, and that is what the texts of its versions compute. */
import { chargedFaults, users } from './basket-model.ts';
import type { SimulatedTown } from './town.ts';
import { scripts } from '#test/town/pricing-ports.ts';
import { linesOf, type OrderDetails, placedOrder } from '#services/order/contract.ts';
import type { OrderState } from '#services/order/order.ts';
import { recomputed } from '#services/pricing/audit.ts';
import { PLAIN } from '#services/pricing/contract.ts';
import type { AuditFact } from '#shared/audited-thing.ts';

interface BasketOrder {
  readonly key: string;
  readonly state: Exclude<OrderState, { readonly status: 'unplaced' }>;
}

/** The orders that were made of baskets. */
export function basketOrders({ orders }: Pick<SimulatedTown, 'orders'>): readonly BasketOrder[] {
  return [...orders.documents.values()].flatMap(({ key, state }) =>
    state === undefined || state.status === 'unplaced' || !users.includes(state.details.customerId)
      ? []
      : [{ key, state }],
  );
}

/** `told`: by order, what its basket was told to cost. */
export async function basketOrderFaults(
  town: SimulatedTown,
  told: ReadonlyMap<string, number>,
): Promise<readonly string[]> {
  const faults = basketOrders(town).map(async ({ key, state: { details, status } }) => {
    const { total, customerId } = details;
    const captured = capturedFor(key, town);
    return [
      ...chargedFaults(customerId, chargedLines(details), total.amount),
      ...(await recomputedFaults(key, details, town)),
      ...((told.get(key) ?? total.amount) === total.amount ? [] : [`it was told to cost ${told.get(key)}`]),
      ...(captured === (status === 'completed' ? total.amount : 0)
        ? []
        : [`${status}, of ${total.amount} is captured ${captured}`]),
    ].map((what) => `order ${key}: ${what}`);
  });
  return (await Promise.all(faults)).flat();
}

function chargedLines(details: OrderDetails) {
  return linesOf(details).map(({ sku, quantity, unitPrice, ...line }) => ({
    sku,
    quantity,
    unitPrice,
    amount: 'amount' in line ? line.amount : quantity * unitPrice.amount,
    version: 'pricedBy' in line ? line.pricedBy : PLAIN.version,
  }));
}

/** As the audit does it, with the scripts and the texts of the town. */
async function recomputedFaults(id: string, details: OrderDetails, { strategyTexts }: SimulatedTown) {
  const { customerId, total } = details;
  const items = linesOf(details).map(({ sku, quantity, unitPrice, ...line }) => ({
    sku,
    quantity,
    ...('amount' in line && { priced: { unitPrice, ...line } }),
  }));
  const told = <Fact>({ name }: AuditFact<Fact>) =>
    name === placedOrder.name ? ({ customerId, total, items } as Fact) : undefined;
  return (await recomputed({ id, told }, strategyTexts, scripts)).wrong;
}

/** What the provider has taken for it. */
function capturedFor(orderId: string, { payments, provider }: SimulatedTown): number {
  const taken = [...payments.documents.keys()].flatMap((id) => {
    const payment = provider.find(id);
    return payment?.orderId === orderId && payment.status === 'captured' ? [payment.amount?.amount ?? 0] : [];
  });
  return taken.reduce((all, amount) => all + amount, 0);
}
