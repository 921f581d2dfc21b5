import * as contract from './contract.ts';
import { inside } from './queue.ts';
import type { EntryState, ExecutorState } from './state.ts';
import { placeOf } from '#services/order/contract.ts';
import { answering, on, type Handler } from '#shared/entity/entity.ts';
import type { BodyOf } from '#shared/message.ts';

function entryOf(state: ExecutorState | undefined, orderId: string): EntryState {
  return state?.kind === 'entry' ? state : { kind: 'entry', orderId };
}

/** What becomes of one order in the queue: it waits there, gets its place, and its turn comes, once. */
export const entryHandlers: readonly Handler<ExecutorState>[] = [
  on<ExecutorState, BodyOf<typeof contract.enqueue>>(contract.enqueue, (state, body, context) => {
    const { orderId, order, checkoutId } = body;
    const known = entryOf(state, orderId);
    const done = context.answer(contract.enqueued, { orderId });
    if (known.withdrawn)
      return answering(known, context.answer(contract.enqueueRefused, { orderId, reason: 'already_undone' }));
    if (known.order !== undefined) return answering(known, done);
    const queued = inside(context, contract.admit, { orderId }, orderId);
    const { traceparent } = context.message;
    const entry = {
      ...known,
      order,
      enqueuedAt: context.now,
      ...(checkoutId !== undefined && { checkoutId }),
      ...(traceparent !== undefined && { traceparent }),
    };
    return { state: entry, send: [queued, done] };
  }),

  on<ExecutorState, BodyOf<typeof contract.withdraw>>(contract.withdraw, (state, { orderId }, context) => {
    const known = entryOf(state, orderId);
    const executed = known.started !== undefined;
    return answering<ExecutorState>(
      executed ? known : { ...known, withdrawn: true },
      context.answer(contract.withdrawn, { orderId, executed }),
    );
  }),

  on<ExecutorState, BodyOf<typeof contract.start>>(
    contract.start,
    (state, { orderId, entry, executor, term }, context) => {
      const known = entryOf(state, orderId);
      if (known.started !== undefined || known.withdrawn || known.order === undefined) return { state: known };
      const started = { entry, executor, term, at: context.now };
      return {
        state: { ...known, started },
        send: [
          placeOf(known.order, { ...context.message, ...(known.traceparent && { traceparent: known.traceparent }) }),
        ],
      };
    },
  ),
];
