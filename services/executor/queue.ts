import * as contract from './contract.ts';
import { admitted, advanced, UNFENCED } from './fence.ts';
import type { ExecutorState, QueueRecord, QueueState } from './state.ts';
import { hash } from '#shared/bus/topology/topology.ts';
import { on, type Context, type Handler, type Result } from '#shared/entity/entity.ts';
import type { BodyOf, CommandType, Send } from '#shared/message.ts';

const EMPTY: QueueState = { kind: 'queue', queued: 0, fence: UNFENCED, refused: 0, records: 0 };

function queueOf(state: ExecutorState | undefined): QueueState {
  return state?.kind === 'queue' ? state : EMPTY;
}

/** From one key of this route to another, past the gate: what was accepted goes on while nothing else is. */
export function inside<Body>(context: Context, type: CommandType<Body>, body: NoInfer<Body>, orderId: string): Send {
  const { id: causationId, traceparent } = context.message;
  return {
    exchange: hash(type.route),
    message: {
      id: `${orderId}:${type.name.slice(type.route.length + 1)}`,
      type: type.name,
      key: type.key(body),
      body,
      correlationId: orderId,
      causationId,
      ...(traceparent !== undefined && { traceparent }),
    },
  };
}

/** What the order queue does with those who come to it: orders get their place, leaders of the newest term execute. */
export const queueHandlers: readonly Handler<ExecutorState>[] = [
  on<ExecutorState, BodyOf<typeof contract.admit>>(contract.admit, (state, { orderId }, context) => {
    const queue = queueOf(state);
    const entry = queue.queued + 1;
    const record: QueueRecord = {
      id: `queued:${entry}`,
      queue: contract.QUEUE,
      seq: queue.records + 1,
      kind: 'queued',
      entry,
      orderId,
      at: context.now,
    };
    return { state: { ...queue, queued: entry, records: record.seq }, journal: [record] };
  }),

  on<ExecutorState, BodyOf<typeof contract.execute>>(contract.execute, (state, body, context) =>
    executing(queueOf(state), body, context),
  ),
];

function executing(
  queue: QueueState,
  { term, executor, entries }: BodyOf<typeof contract.execute>,
  context: Context,
): Result<ExecutorState> {
  const refuse = (after: QueueState, reason: BodyOf<typeof contract.executeRefused>['reason'], news?: Send) => {
    const { fence } = after;
    const answer = context.answer(contract.executeRefused, { term: fence.term, last: fence.executed, reason });
    return { state: after, send: [answer, news] };
  };
  const claim = admitted(queue.fence, { term, executor });
  if (claim.kind === 'refused') {
    const { reason } = claim;
    const newest = queue.fence.term;
    const news = { executor, term, newest, reason: reason === 'stale_term' ? reason : 'not_the_leader' } as const;
    const told = context.news(contract.lateWorkRefused, news, contract.QUEUE);
    return refuse({ ...queue, refused: queue.refused + 1 }, reason, told);
  }
  let { fence } = claim;
  let { records } = queue;
  const journal: QueueRecord[] = [];
  const send: Send[] = [];
  for (const { entry, orderId } of entries) {
    if (entry > queue.queued) return refuse({ ...queue, fence: claim.fence }, 'not_queued');
    const next = advanced(fence, entry);
    if (next === undefined) continue;
    if (next.kind === 'refused') return refuse({ ...queue, fence: claim.fence }, next.reason);
    ({ fence } = next);
    records += 1;
    const { now: at } = context;
    const record: QueueRecord = {
      id: `executed:${entry}`,
      queue: contract.QUEUE,
      seq: records,
      kind: 'executed',
      entry,
      orderId,
      executor,
      term,
      at,
    };
    journal.push(record);
    send.push(inside(context, contract.start, { orderId, entry, executor, term }, orderId));
  }
  const answer = context.answer(contract.executed, { term, last: fence.executed });
  return { state: { ...queue, fence, records }, journal, send: answer === undefined ? send : [...send, answer] };
}
