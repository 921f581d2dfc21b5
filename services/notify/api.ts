import { mailShape, notifyView } from './view.ts';
import { visibleOrder } from '#services/order/contract.ts';
import { defineApi } from '#shared/web/api.ts';
import { endpoint, ok } from '#shared/web/endpoint.ts';
import { listOf } from '#shared/web/shapes.ts';

export const notifyApi = defineApi({
  view: notifyView,
  endpoints: (mails, { lookUp }) => [
    endpoint('GET', '/v1/orders/:orderId/emails', {
      summary: 'The mails about the order: accepted by the mail server, or not yet, with their tries.',
      access: 'token',
      answers: { 200: listOf(mailShape) },
      async handle({ params, caller }) {
        const order = await lookUp(visibleOrder, { orderId: params['orderId'] ?? '', caller });
        return ok(await mails.emails(order.id));
      },
    }),
  ],
});
