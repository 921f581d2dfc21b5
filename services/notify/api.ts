import { mailShape, notifyView } from './view.ts';
import { ordersTag, visibleOrder } from '#services/order/contract.ts';
import { defineApi } from '#shared/web/api.ts';
import { endpoint, ok } from '#shared/web/endpoint.ts';
import { listOf } from '#shared/web/shapes.ts';

export const notifyApi = defineApi({
  view: notifyView,
  endpoints: (mails, { lookUp }) => [
    endpoint('GET', '/v1/orders/:orderId/emails', {
      id: 'listEmails',
      tag: ordersTag,
      summary: 'The mails about the order: accepted by the mail server, refused, or not yet, with their tries.',
      params: { orderId: 'The id that placing the order answered.' },
      access: 'token',
      answers: { 200: listOf(mailShape) },
      async handle({ params, caller }) {
        const order = await lookUp(visibleOrder, { orderId: params['orderId'] ?? '', caller });
        return ok(await mails.emails(order.id));
      },
    }),
  ],
});
