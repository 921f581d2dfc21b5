import { paymentShape, paymentView } from './view.ts';
import { ofOrder } from '#services/fields.ts';
import { ordersTag, visibleOrder } from '#services/order/contract.ts';
import { defineApi } from '#shared/web/api.ts';
import { endpoint, ok } from '#shared/web/endpoint.ts';
import { listOf } from '#shared/web/shapes.ts';

export const paymentApi = defineApi({
  view: paymentView,
  endpoints: (payments, { lookUp }) => [
    endpoint('GET', '/v1/payments', {
      id: 'listPayments',
      tag: ordersTag,
      summary: 'The payments of an order: one, or none yet.',
      access: 'token',
      query: ofOrder,
      problems: ['not-found'],
      answers: { 200: listOf(paymentShape) },
      async handle({ query: { orderId }, caller }) {
        const order = await lookUp(visibleOrder, { orderId, caller });
        return ok(await payments.byOrder(order.id));
      },
    }),
  ],
});
