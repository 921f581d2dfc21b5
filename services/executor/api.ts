import { z } from 'zod';
import { executorLogShape, executorShape, queuedOrderShape } from './shapes.ts';
import { executorView } from './view.ts';
import { defineApi } from '#shared/web/api.ts';
import { opened, sealed } from '#shared/web/cursors.ts';
import { endpoint, ok, type Tag } from '#shared/web/endpoint.ts';
import { page } from '#shared/web/parameters.ts';
import { Problem } from '#shared/web/problems.ts';
import { listOf } from '#shared/web/shapes.ts';

const queueTag: Tag = {
  name: 'Order queue',
  description: 'Orders that wait for their turn, and the executors, of whom one leads. For operators.',
};

const state = z.enum(['queued', 'executed']).optional().describe('Only those whose turn has, or has not, come.');

export const executorApi = defineApi({
  view: executorView,
  endpoints: (executors, { clock }) => [
    endpoint('GET', '/v1/order-queue', {
      id: 'listOrderQueue',
      tag: queueTag,
      summary: 'The order queue, in its order.',
      access: 'operator',
      query: page.extend({ state }),
      answers: { 200: listOf(queuedOrderShape) },
      async handle({ query: { limit, cursor, state: wanted } }) {
        const scope = ['order-queue', wanted ?? null];
        return ok(sealed(scope, await executors.queue({ limit, ...opened(scope, cursor), state: wanted })));
      },
    }),
    endpoint('GET', '/v1/executors', {
      id: 'listExecutors',
      tag: queueTag,
      summary: 'The executors: who leads, in which term, and how far each copy of the queue is.',
      access: 'operator',
      answers: { 200: z.array(executorShape).readonly() },
      handle: async () => ok(await executors.executors(clock.now())),
    }),
    endpoint('GET', '/v1/executors/:executorId/queue', {
      id: 'getExecutorQueue',
      tag: queueTag,
      summary: 'One executor’s copy of the queue: its log.',
      params: { executorId: 'The id of the executor.' },
      access: 'operator',
      answers: { 200: executorLogShape },
      async handle({ params }) {
        const log = await executors.log(params['executorId'] ?? '');
        if (log === undefined) throw new Problem('not-found', 'there is no such executor');
        return ok(log);
      },
    }),
  ],
});
