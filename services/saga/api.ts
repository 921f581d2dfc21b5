import { z } from 'zod';
import { endedOrders, sagaAnswer, sagaProgress } from './contract.ts';
import { orderLogShape } from './logs-view.ts';
import { definitions } from './place-order-versions.ts';
import { sagaView, type Timeline, timelineShape } from './view.ts';
import { whyParked } from '#services/circuit-breaker/contract.ts';
import { type OpenLetter, openLetters, openLetterShape } from '#services/dead-letters/contract.ts';
import { ordersTag, visibleOrder } from '#services/order/contract.ts';
import type { WaitingFor } from '#shared/saga/timeline-shape.ts';
import { routesBeforeNoReturn } from '#shared/saga/definition.ts';
import { defineApi } from '#shared/web/api.ts';
import { endpoint, ok } from '#shared/web/endpoint.ts';
import { answerLookup, type LookUp } from '#shared/web/lookup.ts';
import { listOf, named } from '#shared/web/shapes.ts';

const ORDER = '0193f7a0-5a5a-7000-8000-00004f2a91bc';

const timelineWithLetters = named(
  'Timeline',
  timelineShape
    .extend({
      deadLetters: z
        .array(openLetterShape)
        .readonly()
        .optional()
        .describe('Messages of the order that nobody could handle.'),
    })
    .meta({
      examples: [
        {
          orderId: ORDER,
          state: 'running',
          definition: 'place-order@3',
          waitingFor: {
            step: 'hold-funds',
            message: 'wallet.hold',
            since: '2026-11-28T13:05:00.198Z',
            attempt: 1,
            until: '2026-11-28T13:06:00.198Z',
          },
          steps: [
            {
              name: 'initialise-order',
              number: 1,
              title: 'order initialised',
              state: 'done',
              attempts: 1,
              sentAt: '2026-11-28T13:05:00.104Z',
              answeredAt: '2026-11-28T13:05:00.104Z',
            },
            {
              name: 'hold-funds',
              number: 5,
              title: 'funds reserved in the wallet',
              state: 'sent',
              attempts: 1,
              sentAt: '2026-11-28T13:05:00.198Z',
            },
          ],
          compensations: [],
          milestones: [{ number: 1, title: 'order initialised', at: '2026-11-28T13:05:00.104Z' }],
          messages: [
            { id: `${ORDER}:hold-funds:do`, type: 'wallet.hold', direction: 'sent', at: '2026-11-28T13:05:00.198Z' },
          ],
        },
      ],
    }),
);

export const sagaApi = defineApi({
  view: sagaView,
  needs: routesBeforeNoReturn(definitions[0]),
  endpoints: (sagas, { lookUp }) => [
    endpoint('GET', '/v1/orders/:orderId/timeline', {
      id: 'getTimeline',
      tag: ordersTag,
      summary: 'What happened to the order step by step, and what it is waiting for.',
      params: { orderId: 'The id that placing the order answered.' },
      access: 'token',
      answers: { 200: timelineWithLetters },
      async handle({ params, caller }) {
        const order = await lookUp(visibleOrder, { orderId: params['orderId'] ?? '', caller });
        const [timeline, letters] = await Promise.all([
          sagas.timeline(order.id),
          lookUp(openLetters, { correlationId: order.id, caller }),
        ]);
        const shown = timeline ?? sagas.notBegun(order.id, Date.parse(order.createdAt));
        return ok({
          ...(await withWhy(order.id, shown, letters, lookUp)),
          ...(letters.length > 0 && { deadLetters: letters }),
        });
      },
    }),
    endpoint('GET', '/v1/orders/:orderId/logs', {
      id: 'listOrderLogs',
      tag: ordersTag,
      summary: 'Every change of the order, oldest first.',
      params: { orderId: 'The id that placing the order answered.' },
      access: 'token',
      answers: { 200: listOf(orderLogShape) },
      async handle({ params, caller }) {
        const order = await lookUp(visibleOrder, { orderId: params['orderId'] ?? '', caller });
        return ok(await sagas.logs(order.id));
      },
    }),
  ],
  lookups: (sagas) => [
    answerLookup(sagaAnswer, async ({ orderId, messageId }) => sagas.outcome(orderId, messageId)),
    answerLookup(endedOrders, (orderIds) => sagas.ended(orderIds)),
    answerLookup(sagaProgress, (orderIds) => sagas.progress(orderIds)),
  ],
});

/** Its wait says that its message is a dead letter, or has expired and why nobody took it. */
async function withWhy(
  orderId: string,
  timeline: Timeline,
  letters: readonly OpenLetter[],
  lookUp: LookUp,
): Promise<Timeline> {
  const { waitingFor } = timeline;
  if (waitingFor === undefined) return timeline;
  const { message: type, since } = waitingFor;
  const reason = whyDead(letters, waitingFor) ?? (await lookUp(whyParked, { correlationId: orderId, type, since }));
  return reason === undefined ? timeline : { ...timeline, waitingFor: { ...waitingFor, reason } };
}

/** The cause is there for operators only. */
function whyDead(letters: readonly OpenLetter[], { step, message }: WaitingFor): string | undefined {
  const letter = letters.find((one) => one.state === 'dead' && one.step === step && one.type === message);
  if (letter === undefined) return undefined;
  const since = `a dead letter since ${letter.lastFailureAt.slice(11, 19)}`;
  return letter.cause === undefined ? `${since}: nobody could handle it` : `${since}: ${letter.cause}`;
}
