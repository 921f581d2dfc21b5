/** Checkouts beside the orders of a chaos run, and what must hold of them and of the order queue at rest. */
import { type CheckoutPlan, checkoutPlanOf } from '#local/commands/simulator/checkout-plan.ts';
import { type CheckoutRow, checkoutVerdict } from '#local/commands/simulator/checkout-verdict.ts';
import type { Plan } from '#local/commands/simulator/plan.ts';
import type { QueuedOrderView } from '#services/executor/shapes.ts';
import type { OrderView } from '#services/order/view.ts';
import { isEnded, type Shop } from '#test/support/place.ts';
import { until } from '#test/support/until.ts';

const CUSTOMERS = 5;

/** Its goods are enough for the orders beside it too. */
export function checkoutsBeside(orders: Plan, count: number, ratePerS: number): CheckoutPlan {
  const plan = checkoutPlanOf({ seed: orders.seed, ratePerS, count, customers: CUSTOMERS });
  const wanted = new Map(orders.goods.map(({ sku, least = 0 }) => [sku, least]));
  const goods = plan.orders.goods.map((good) => ({ ...good, least: (good.least ?? 0) + (wanted.get(good.sku) ?? 0) }));
  return { ...plan, orders: { ...plan.orders, goods } };
}

/** Resolves when the order queue is worked off and every order has ended, also of those whose request got no answer; else with what is left. */
export async function workedOff(shop: Shop, limitMs: number): Promise<readonly string[]> {
  const read = async (): Promise<readonly string[]> => {
    const queued = (await shop.all<QueuedOrderView>('/v1/order-queue')).filter(({ state }) => state === 'queued');
    const open = (await shop.all<OrderView>('/v1/orders')).filter((order) => !isEnded(order));
    return [
      ...queued.map(({ entry, orderId }) => `I-13: entry ${entry} of ${orderId} is not executed`),
      ...open.map(({ id }) => `I-13: order ${id} has not ended`),
    ];
  };
  try {
    return await until('the order queue is worked off', read, (left) => left.length === 0, { limitMs, everyMs: 1000 });
  } catch {
    return read();
  }
}

/** Each was decided as it has to be; each approved one is in the queue once and was executed, a rejected one never. */
export async function checkoutFaults(shop: Shop, rows: readonly CheckoutRow[]): Promise<readonly string[]> {
  const queue = await shop.all<QueuedOrderView>('/v1/order-queue');
  const places = Map.groupBy(queue, ({ orderId }) => orderId);
  const wrong = rows
    .filter((row) => ['wrong', 'hanging'].includes(checkoutVerdict(row)))
    .map((row) => `checkout ${row.n} (${row.kind}): ${JSON.stringify(row)}`);
  const misplaced = rows.flatMap(({ n, decision, checkoutId = '' }) => {
    const its = places.get(checkoutId) ?? [];
    const due = decision === 'approved' ? 1 : 0;
    const isRight = decision === 'approved' || decision === 'rejected' ? its.length === due : its.length <= 1;
    const isExecuted = its.every(
      ({ state, executedBy, term }) => state === 'executed' && executedBy !== undefined && term !== undefined,
    );
    return isRight && isExecuted
      ? []
      : [`I-13: checkout ${n} was ${decision}, and in the queue: ${JSON.stringify(its)}`];
  });
  return [...wrong, ...misplaced];
}
