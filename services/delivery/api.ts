import { deliveryShape, deliveryView } from './view.ts';
import { ofOrder } from '#services/fields.ts';
import { ordersTag, visibleOrder } from '#services/order/contract.ts';
import { defineApi } from '#shared/web/api.ts';
import { endpoint, ok } from '#shared/web/endpoint.ts';
import { listOf } from '#shared/web/shapes.ts';

export const deliveryApi = defineApi({
  view: deliveryView,
  endpoints: (deliveries, { lookUp }) => [
    endpoint('GET', '/v1/deliveries', {
      id: 'listDeliveries',
      tag: ordersTag,
      summary: 'The delivery of an order: one, or none yet.',
      access: 'token',
      query: ofOrder,
      problems: ['not-found'],
      answers: { 200: listOf(deliveryShape) },
      async handle({ query: { orderId }, caller }) {
        const order = await lookUp(visibleOrder, { orderId, caller });
        return ok(await deliveries.byOrder(order.id));
      },
    }),
  ],
});
