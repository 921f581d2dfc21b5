/** Checkouts beside the orders of a chaos run, and what must hold of them and of the order queue at rest. */
import type { Api } from '#local/commands/api.ts';
import { isDecided } from '#local/commands/simulator/checkout-asking.ts';
import {
  type CheckoutPlan,
  checkoutPlanOf,
  type Expected,
  expectedOf,
} from '#local/commands/simulator/checkout-plan.ts';
import { type CheckoutRow, checkoutVerdict } from '#local/commands/simulator/checkout-verdict.ts';
import type { Plan } from '#local/commands/simulator/plan.ts';
import type { QueuedOrderView } from '#services/executor/shapes.ts';
import type { OrderView } from '#services/order/view.ts';
import { isEnded, type Shop } from '#test/support/place.ts';
import { until } from '#test/support/until.ts';

const CUSTOMERS = 5;
/** A second: their turns tell when they are sent. */
const AT_ONCE = 1000;

/** Each may be sent at once. Its goods are enough for the orders beside it too. */
export function checkoutsBeside(orders: Plan, count: number): CheckoutPlan {
  const plan = checkoutPlanOf({ seed: orders.seed, ratePerS: AT_ONCE, count, customers: CUSTOMERS });
  const wanted = new Map(orders.goods.map(({ sku, least = 0 }) => [sku, least]));
  const goods = plan.orders.goods.map((good) => ({ ...good, least: (good.least ?? 0) + (wanted.get(good.sku) ?? 0) }));
  return { ...plan, orders: { ...plan.orders, goods } };
}

/** Over a network that loses each so-manieth answer to a checkout, which may have been taken. */
export function losingAnswers(api: Api, every: number): Api {
  let answers = 0;
  return {
    ...api,
    async post<Body>(...asked: Parameters<Api['post']>) {
      const answer = await api.post<Body>(...asked);
      if (asked[0] === '/v1/checkouts') answers += 1;
      if (asked[0] === '/v1/checkouts' && answers % every === 0) throw new TypeError('the answer was lost');
      return answer;
    },
  };
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

export interface Bought {
  readonly plan: CheckoutPlan;
  readonly rows: readonly CheckoutRow[];
  readonly queue: readonly QueuedOrderView[];
  /** All orders that exist. */
  readonly orders: readonly Pick<OrderView, 'id' | 'email' | 'status'>[];
}

type Checker = (bought: Bought) => readonly string[];

const of = ({ n, kind, checkoutId }: CheckoutRow): string =>
  `checkout ${n} (${kind}, ${checkoutId ?? 'without an id'})`;

/** Whoever insists is told, and is told what has to come of what they filled in. */
const decided: Checker = ({ rows }) =>
  rows.flatMap((row) => {
    if (['wrong', 'hanging'].includes(checkoutVerdict(row)))
      return [`${of(row)} must not end so: ${JSON.stringify(row)}`];
    return isDecided(row) ? [] : [`${of(row)} is ${row.decision}, and its customer insisted: ${JSON.stringify(row)}`];
  });

/** Each approved one stands in the queue once and was executed; nothing else stands there. */
const queued: Checker = ({ rows, queue }) => {
  const places = Map.groupBy(queue, ({ orderId }) => orderId);
  const approved = rows.filter(({ decision }) => decision === 'approved');
  const known = new Set(approved.map(({ checkoutId }) => checkoutId));
  const isExecuted = ({ state, executedBy, term }: QueuedOrderView): boolean =>
    state === 'executed' && executedBy !== undefined && term !== undefined;
  return [
    ...approved.flatMap((row) => {
      const its = places.get(row.checkoutId!) ?? [];
      return its.length === 1 && its.every(isExecuted) ? [] : [`${of(row)} in the queue: ${JSON.stringify(its)}`];
    }),
    ...queue.flatMap(({ entry, orderId }) =>
      known.has(orderId) ? [] : [`entry ${entry} is of ${orderId}, which nobody was told is approved`],
    ),
  ];
};

/** Whoever wanted to buy once has one order, which is the one that they were told of, or none. A buyer is known by the address. */
const boughtOnce: Checker = ({ plan, rows, orders }) => {
  const contacts = new Map(plan.checkouts.map(({ n, contact }) => [n, contact]));
  const buyers = Map.groupBy(rows, ({ n }) => contacts.get(n));
  return orders.flatMap(({ id, email }) => {
    const its = buyers.get(email) ?? [];
    const isTold = its.length === 0 || its.some((row) => row.decision === 'approved' && row.checkoutId === id);
    return isTold ? [] : [`order ${id} is bought for ${its.map(of).join(' or ')}, and nobody was told of it`];
  });
};

/** A run in which hardly anything is bought says nothing about what is bought. */
const someBought: Checker = ({ rows, orders }) => {
  const status = new Map(orders.map((order) => [order.id, order.status]));
  const wanted = rows.filter(({ kind }) => isBuying(expectedOf(kind)));
  const completed = wanted.filter(({ checkoutId = '' }) => status.get(checkoutId) === 'completed').length;
  return 2 * completed >= wanted.length ? [] : [`of ${wanted.length} that should be bought ${completed} were`];
};

const isBuying = ({ rejected, orderFails }: Expected): boolean => rejected === undefined && orderFails === undefined;

const checkers: Readonly<Record<string, Checker>> = {
  'checkouts are decided': decided,
  'I-13': queued,
  'bought once': boughtOnce,
  'enough is bought': someBought,
};

/** What is wrong with the checkouts of a run at rest. */
export function checkoutFaults(bought: Bought): readonly string[] {
  return Object.entries(checkers).flatMap(([name, check]) => check(bought).map((what) => `${name}: ${what}`));
}
