import { checkShape, loyaltyView } from './view.ts';
import { ofOrder } from '#services/fields.ts';
import { ordersTag, visibleOrder } from '#services/order/contract.ts';
import { defineApi } from '#shared/web/api.ts';
import { endpoint, ok } from '#shared/web/endpoint.ts';
import { listOf } from '#shared/web/shapes.ts';

export const loyaltyApi = defineApi({
  view: loyaltyView,
  endpoints: (checks, { lookUp }) => [
    endpoint('GET', '/v1/loyalty-checks', {
      id: 'listLoyaltyChecks',
      tag: ordersTag,
      summary: 'Whether the order was looked at, and what came of it.',
      access: 'token',
      query: ofOrder,
      problems: ['not-found'],
      answers: { 200: listOf(checkShape) },
      async handle({ query: { orderId }, caller }) {
        const order = await lookUp(visibleOrder, { orderId, caller });
        return ok(await checks.byOrder(order.id));
      },
    }),
  ],
});
