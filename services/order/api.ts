import { z } from 'zod';
import { cancelOf } from './cancelling.ts';
import { CHECKOUT, orders, ordersTag, place, pricedLines, visibleOrder } from './contract.ts';
import { placeOrder, placing, pricedAt } from './placing.ts';
import { type OrderQueries, orderShape, orderStatus, type OrderView, orderView } from './view.ts';
import { requireCustomer, sees } from '#services/access.ts';
import { customerId } from '#services/fields.ts';
import { cancel, SAGA_ROUTE, sagaProgress } from '#services/saga/contract.ts';
import { defineApi } from '#shared/web/api.ts';
import { opened, sealed } from '#shared/web/cursors.ts';
import type { Door } from '#shared/web/door.ts';
import { type Answer, type Call, type Caller, endpoint, ok } from '#shared/web/endpoint.ts';
import { answerLookup } from '#shared/web/lookup.ts';
import { cursor, limit } from '#shared/web/parameters.ts';
import { Problem } from '#shared/web/problems.ts';
import { listOf } from '#shared/web/shapes.ts';

const listOrders = z.strictObject({
  limit,
  cursor,
  state: orderStatus.optional().describe('Only orders of this status.'),
  customerId: customerId.optional().describe('Only orders of this customer.'),
});
const cancelOrder = z.strictObject({});

export const orderApi = defineApi({
  view: orderView,
  commands: [place.route, cancel.route],
  load: [place.route, SAGA_ROUTE],
  endpoints(orders, door) {
    return [
      endpoint('POST', '/v1/orders', {
        id: 'placeOrder',
        tag: ordersTag,
        summary: 'Place an order.',
        description:
          '202: accepted, readable at once, and its saga has begun; how it ends is its status. Prices are the catalogue’s at this moment, the total is computed from them; all lines have the same currency. A stated `unitPrice` must equal the catalogue’s: 409 otherwise.',
        access: 'token',
        body: placeOrder,
        idempotent: true,
        problems: ['price-changed', 'unknown-product', 'overloaded'],
        headers: { 202: ['Location'] },
        example: {
          customerId: 'alice',
          email: 'alice@example.org',
          items: [{ sku: 'book', quantity: 2 }],
          paymentMethod: 'pm_ok',
        },
        answers: { 202: orderShape },
        handle: async (call) => door.submit(placing(call, door)),
      }),
      endpoint('GET', '/v1/orders', {
        id: 'listOrders',
        tag: ordersTag,
        summary: 'Orders, newest first.',
        description: 'An order appears once the order service has taken it. A customer sees its own.',
        access: 'token',
        query: listOrders,
        answers: { 200: listOf(orderShape) },
        handle: (call) => list(orders, door, call),
      }),
      endpoint('GET', '/v1/orders/:orderId', {
        id: 'getOrder',
        tag: ordersTag,
        summary: 'One order.',
        params: { orderId: 'The id that placing the order answered.' },
        access: 'token',
        answers: { 200: orderShape },
        async handle({ params, caller }) {
          const order = await visible(orders, door, params['orderId'] ?? '', caller);
          return ok((await withProgress([order], door))[0]);
        },
      }),
      endpoint('POST', '/v1/orders/:orderId/cancel', {
        id: 'cancelOrder',
        tag: ordersTag,
        summary: 'Undo the order.',
        description: '202: it is being undone, or was asked to be; 200: it was cancelled before; 409: too late.',
        params: { orderId: 'The id that placing the order answered.' },
        access: 'token',
        body: cancelOrder,
        bodyOptional: true,
        idempotent: true,
        headers: { 202: ['Location'] },
        example: {},
        answers: { 200: orderShape, 202: orderShape },
        handle: (call) => cancelled(orders, door, call),
      }),
    ];
  },
  lookups: (orders, door) => [
    answerLookup(pricedLines, (lines) => pricedAt(lines, door)),
    answerLookup(visibleOrder, ({ orderId, caller }) => visible(orders, door, orderId, caller)),
  ],
});

async function list(
  orders: OrderQueries,
  door: Door,
  { caller, query }: Call<z.output<typeof listOrders>>,
): Promise<Answer> {
  const { limit: size, state, customerId: owner } = query;
  if (owner !== undefined) requireCustomer(caller, owner);
  const filter = {
    ...(caller.role === 'operator' ? owner !== undefined && { customerId: owner } : { customerId: caller.subject }),
    ...(state !== undefined && { status: state }),
  };
  const page = await orders.list({ ...filter, limit: size, ...opened(['orders', filter], query.cursor) });
  return ok(sealed(['orders', filter], { ...page, items: await withProgress(page.items, door) }));
}

/** The orders with what their sagas say of tries; one read for all of them. */
async function withProgress(shown: readonly OrderView[], { lookUp }: Door): Promise<readonly OrderView[]> {
  const progress = await lookUp(
    sagaProgress,
    shown.map(({ id }) => id),
  );
  return shown.map((order) => ({ ...order, ...progress.get(order.id) }));
}

/** The order, or what was accepted of it while its service has not taken it yet. Throws not-found. */
async function visible(orders: OrderQueries, door: Door, orderId: string, caller: Caller): Promise<OrderView> {
  const order = (await orders.find(orderId)) ?? (await acceptedAs(door, orderId));
  if (order === undefined || !sees(caller, order.customerId)) throw new Problem('not-found', 'there is no such order');
  return order;
}

async function acceptedAs(door: Door, orderId: string): Promise<OrderView | undefined> {
  const request = await door.accepted(orderId);
  return request?.kind === orders.asked || request?.kind === CHECKOUT
    ? (request.accepted.body as OrderView)
    : undefined;
}

/** Answers what the saga decided. An order that the saga does not know yet is asked for again for a while. */
async function cancelled(orders: OrderQueries, door: Door, call: Call): Promise<Answer> {
  const { clock, outcomeMs, submit } = door;
  const current = (): Promise<OrderView> => visible(orders, door, call.params['orderId'] ?? '', call.caller);
  const order = await current();
  const until = clock.now() + outcomeMs;
  for (;;) {
    try {
      return await submit(cancelOf(order, call, door, current));
    } catch (error) {
      if (!(error instanceof Problem) || error.slug !== 'invalid-transition') throw error;
      const now = await current();
      if (now.status === 'cancelled') return ok(now);
      if (error.members['reason'] !== 'unknown_order' || clock.now() > until) throw error;
      await clock.sleep(100);
    }
  }
}
