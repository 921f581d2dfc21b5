import { type Answer, type Call, type Caller, ok } from '#shared/web/endpoint.ts';
import { requireCustomer, sees } from './access.ts';
import { opened, sealed } from '#shared/web/cursors.ts';
import { lettersOnTimeline } from './dead-letters.ts';
import type { Gateway } from './gateway.ts';
import { laterMs } from './load-shedding.ts';
import { Problem } from '#shared/web/problems.ts';
import type { CancelOrder, ListOrders, OfOrder, PlaceOrder } from './schemas.ts';
import type { Submission } from './submit.ts';
import { totalOf } from './total.ts';
import type { OrderView } from './views.ts';
import { createWhereItWaits } from './where-it-waits.ts';
import { type OrderDetails, place } from '#services/order/contract.ts';
import { SAGA_ROUTE, cancel, cancelRefused, cancelling } from '#services/saga/contract.ts';
import { routesUpToCapture } from '#services/saga/view.ts';
import { inbox } from '#shared/bus/topology/topology.ts';

/** While one of these is open, an order could not get as far as its money. */
export const neededByOrder = [...new Set([place.route, SAGA_ROUTE, ...routesUpToCapture])];

/** How long its saga remembers that it handled a cancel. One that comes again later is answered by what the order is then. */
const CANCEL_REMEMBERED_MS = 3_600_000;

export function orderHandlers({
  views,
  requests,
  submit,
  shedOrder,
  maxPlacing,
  clock,
  outcomeMs,
  deadLetters,
  board,
  askBreaker,
  workers,
}: Gateway) {
  const whereItWaits = createWhereItWaits({ board, askBreaker, workers, clock });
  let placing = 0;
  /** Where the database or the broker is slow, more at once would only make each slower. */
  const shed = (): number | undefined => (placing > maxPlacing ? laterMs(clock) : shedOrder?.());

  return {
    async place(call: Call<unknown, PlaceOrder>): Promise<Answer> {
      placing += 1;
      try {
        return await submit(submissionOf(call));
      } finally {
        placing -= 1;
      }
    },

    async list({ caller, query }: Call<ListOrders>): Promise<Answer> {
      const { limit, state, customerId } = query;
      if (customerId !== undefined) requireCustomer(caller, customerId);
      const filter = {
        ...(caller.role === 'operator' ? customerId !== undefined && { customerId } : { customerId: caller.subject }),
        ...(state !== undefined && { status: state }),
      };
      const page = await views.orders.list({ ...filter, limit, ...opened(['orders', filter], query.cursor) });
      return ok(sealed(['orders', filter], page));
    },

    async find({ params, caller }: Call): Promise<Answer> {
      return ok(await visibleOrder(params['orderId'] ?? '', caller));
    },

    async timeline({ params, caller }: Call): Promise<Answer> {
      const order = await visibleOrder(params['orderId'] ?? '', caller);
      const [timeline, letters] = await Promise.all([
        views.sagas.timeline(order.id),
        deadLetters === undefined ? {} : lettersOnTimeline(deadLetters, order.id, caller),
      ]);
      const begun = timeline ?? views.sagas.notBegun(order.id, Date.parse(order.createdAt));
      return ok({ ...(await whereItWaits(order.id, begun)), ...letters });
    },

    async emails({ params, caller }: Call): Promise<Answer> {
      const order = await visibleOrder(params['orderId'] ?? '', caller);
      return ok(await views.emails.emails(order.id));
    },

    async payments({ query, caller }: Call<OfOrder>): Promise<Answer> {
      const order = await visibleOrder(query.orderId, caller);
      return ok(await views.payments.byOrder(order.id));
    },

    async deliveries({ query, caller }: Call<OfOrder>): Promise<Answer> {
      const order = await visibleOrder(query.orderId, caller);
      return ok(await views.deliveries.byOrder(order.id));
    },

    /** Answers what the saga decided. An order that the saga does not know yet is asked for again for a while. */
    async cancel(call: Call<unknown, CancelOrder>): Promise<Answer> {
      const order = await visibleOrder(call.params['orderId'] ?? '', call.caller);
      const until = clock.now() + outcomeMs;
      for (;;) {
        try {
          return await requestCancel(order, call);
        } catch (error) {
          if (!(error instanceof Problem) || error.slug !== 'invalid-transition') throw error;
          const current = await visibleOrder(order.id, call.caller);
          if (current.status === 'cancelled') return ok(current);
          if (error.members['reason'] !== 'unknown_order' || clock.now() > until) throw error;
          await clock.sleep(100);
        }
      }
    },
  };

  function submissionOf({ body, caller, trace, idempotencyKey }: Call<unknown, PlaceOrder>): Submission {
    requireCustomer(caller, body.customerId);
    const total = totalOf(body.items);
    return {
      kind: 'order',
      needs: neededByOrder,
      shed,
      subject: caller.subject,
      idempotencyKey,
      same: body,
      compose() {
        const orderId = clock.id();
        const details: OrderDetails = { orderId, ...body, total };
        return {
          resourceId: orderId,
          customerId: body.customerId,
          exchange: inbox(place.route),
          message: {
            id: `${orderId}:place`,
            type: place.name,
            key: place.key(details),
            body: details,
            correlationId: orderId,
            traceparent: trace.traceparent,
            replyTo: { route: SAGA_ROUTE, key: orderId },
          },
          accepted: {
            status: 202,
            headers: { Location: orderPath(orderId) },
            body: acceptedOrder(details, clock.now()),
          },
        };
      },
    };
  }

  /** The order, or what was accepted of it while its service has not taken it yet. Throws not-found. */
  async function visibleOrder(orderId: string, caller: Caller): Promise<OrderView> {
    const order = (await views.orders.find(orderId)) ?? (await acceptedAs(orderId));
    if (order === undefined || !sees(caller, order.customerId))
      throw new Problem('not-found', 'there is no such order');
    return order;
  }

  async function acceptedAs(orderId: string): Promise<OrderView | undefined> {
    const request = await requests.ofResource(orderId);
    return request?.kind === 'order' ? (request.accepted.body as OrderView) : undefined;
  }

  function requestCancel(order: OrderView, { caller, trace, idempotencyKey }: Call): Promise<Answer> {
    const orderId = order.id;
    return submit({
      kind: 'cancel',
      needs: [cancel.route],
      subject: caller.subject,
      idempotencyKey,
      same: orderId,
      compose() {
        const id = `${orderId}:cancel:${clock.id()}`;
        const body = { orderId };
        return {
          resourceId: id,
          customerId: '',
          exchange: inbox(cancel.route),
          message: {
            id,
            type: cancel.name,
            key: cancel.key(body),
            body,
            correlationId: orderId,
            // An order can be cancelled any number of times: its saga does not keep all of that for ever.
            rememberUntil: clock.now() + CANCEL_REMEMBERED_MS,
            traceparent: trace.traceparent,
          },
          accepted: {
            status: 202,
            headers: { Location: orderPath(orderId) },
            body: order,
          },
        };
      },
      async outcome({ message }) {
        const outcome = await views.sagas.outcome(orderId, message.id);
        if (outcome?.type === cancelling.name)
          return { status: 202, headers: { Location: orderPath(orderId) }, body: await visibleOrder(orderId, caller) };
        if (outcome?.type !== cancelRefused.name) return undefined;
        const { reason } = cancelRefused.body.parse(outcome.body);
        throw new Problem('invalid-transition', `the order can not be cancelled: ${reason}`, { members: { reason } });
      },
    });
  }
}

function orderPath(orderId: string): string {
  return `/v1/orders/${encodeURIComponent(orderId)}`;
}

function acceptedOrder(
  { orderId, ...details }: OrderDetails,
  now: number,
): OrderView & Readonly<Record<string, unknown>> {
  const at = new Date(now).toISOString();
  return { id: orderId, ...details, status: 'pending', createdAt: at, updatedAt: at };
}
