import { answeredBy, beginClearing, clearedEvents, clearingDueAt, clearingSends, resentAt } from './clearing.ts';
import { abandon, abandoned, abandonRefused, begin, begun } from './contract.ts';
import { checkoutDataOf, type CheckoutData, type CheckoutLearned } from './data.ts';
import { decisionOf, notedIn, noting } from './noting.ts';
import { definitionsOf } from './place-checkout.ts';
import type { CheckoutSaga, CheckoutState, StoredState } from './state.ts';
import { type Flow, participants } from '#services/checkout-flow.ts';
import { answering, type Context, type Entity, type Handler, on, type Result } from '#shared/entity/entity.ts';
import type { Log } from '#shared/log.ts';
import type { Send } from '#shared/message.ts';
import { sagaMachine } from '#shared/saga/machine.ts';
import type { SagaTiming } from '#shared/saga/transition.ts';
import { merge } from '#shared/vector-clock.ts';

export interface CheckoutOptions {
  readonly checkoutTiming: SagaTiming;
  /** In which order the events of new checkouts happen. */
  readonly checkoutFlow: Flow;
  readonly log: Log;
  /** Whether every copy of the service can go on with checkouts of this definition, by its label. */
  readonly isRunByAll: (definition: string) => boolean;
}

/**
 * A checkout: key = the id of the order that it becomes. The saga asks for the events; around it, every clock that comes is merged and
 * every event noted, and when it is decided the final clock goes to all three until each has cleared what it kept.
 */
export function checkoutEntity(options: CheckoutOptions): Entity<StoredState> {
  const { checkoutTiming: timing, checkoutFlow, log, isRunByAll } = options;
  const { resend } = timing;
  const machine = sagaMachine<CheckoutData, CheckoutLearned>(definitionsOf(checkoutFlow), {
    ...timing,
    log,
    isRunByAll,
    keyName: 'checkoutId',
    audienceOf: (route) => route,
  });
  const saga = machine.entityOf();

  /** What the saga made of it, and what follows for the decision and the clearing. */
  function followed(was: CheckoutState, next: Result<CheckoutSaga>, context: Context): Result<CheckoutState> {
    const { clearing, ...before } = was;
    const state = { ...before, saga: next.state };
    const learned = { ...learnedOf(was.saga), ...learnedOf(next.state) };
    const decided = was.decision ?? decisionOf(next.state, learned, was.events);
    const decision = decided && { at: context.now, ...decided };
    const after = decision && (clearing ?? beginClearing(was.clock, context.now, resend));
    return {
      state: { ...state, ...(decision && { decision }), ...(after && { clearing: after }) },
      send: [...(next.send ?? []), ...clearingSends(clearing, after, was.events, context)],
    };
  }

  const heard = (handler: Handler<CheckoutSaga>): Handler<StoredState> => ({
    type: handler.type,
    handle(state, body, context) {
      if (state === undefined || !isBegun(state)) return { state: state ?? { abandonedAt: context.now } };
      const noted = noting(state, notedIn(handler.type.name, body));
      const next = handler.handle(noted.saga, body, context) as Result<CheckoutSaga>;
      return followed(noted, next, context);
    },
  });

  return {
    route: 'checkout',
    handlers: [
      on(begin, (state: StoredState | undefined, form, context) => {
        const answer = context.answer(begun, { orderId: form.orderId });
        if (state !== undefined) return answering(state, answer);
        const { notAfter = Number.POSITIVE_INFINITY, ...filled } = form;
        if (context.now > notAfter) return { state: { abandonedAt: context.now } };
        const { customerId } = filled;
        const data = () => checkoutDataOf(filled, checkoutFlow);
        const fresh = {
          customerId,
          createdAt: context.now,
          saga: { phase: 'unknown' },
          clock: {},
          events: [],
        } as const;
        const next = followed(fresh, machine.start(undefined, data, context), context);
        return { ...next, send: [...(next.send ?? []), answer] };
      }),
      on(abandon, (state: StoredState | undefined, { orderId }, context) => {
        const done = context.answer(abandoned, { orderId });
        if (state === undefined) return answering({ abandonedAt: context.now }, done);
        if (!isBegun(state)) return answering(state, done);
        if (state.decision !== undefined) return answering(state, context.answer(abandonRefused, { orderId }));
        const cancelled = machine.cancel(state.saga, context);
        if (!cancelled.isCancelled) return answering(state, context.answer(abandonRefused, { orderId }));
        const next = followed(state, cancelled.result, context);
        return { ...next, send: [...(next.send ?? []), done] };
      }),
      ...saga.handlers.map(heard),
      ...clearedEvents.map((type, place) =>
        on(type, (state: StoredState | undefined, body, context): Result<StoredState> => {
          if (state === undefined || !isBegun(state)) return { state: state ?? { abandonedAt: context.now } };
          const name = participants[place]!;
          const known = noting(state, body.happenings);
          const noted = { ...known, clock: merge(known.clock, body.clock) };
          if (!body.isCleared)
            log.warn('more happened than the final clock knew of', {
              checkoutId: body.orderId,
              service: name,
              clock: body.clock,
            });
          const clearing = answeredBy(noted.clearing ?? {}, name, { ...body, clock: noted.clock }, context.now, resend);
          return {
            state: { ...noted, clearing },
            send: clearingSends(state.clearing, clearing, noted.events, context),
          };
        }),
      ),
    ],
    tooLate: (state, body, context) => {
      if (state === undefined || !isBegun(state)) return { state: state ?? { abandonedAt: context.now } };
      return followed(state, saga.tooLate(state.saga, body, context), context);
    },
    runs: saga.runs,
    dueAt: dueAtOf,
    wake(state, _body, context) {
      if (state === undefined || !isBegun(state)) return { state: state ?? { abandonedAt: context.now } };
      const clearing = state.clearing && resentAt(state.clearing, context.now, resend);
      const again: readonly Send[] = clearingSends(state.clearing, clearing, state.events, context);
      const resent = clearing === undefined ? state : { ...state, clearing };
      const isDue = (saga.dueAt(state.saga) ?? Number.POSITIVE_INFINITY) <= context.now;
      if (!isDue) return { state: resent, send: again };
      const next = followed(resent, saga.wake(state.saga, undefined, context), context);
      return { ...next, send: [...again, ...(next.send ?? [])] };
    },
  };
}

export function isBegun(state: StoredState): state is CheckoutState {
  return 'saga' in state;
}

function learnedOf(saga: CheckoutSaga): Partial<CheckoutLearned> {
  return saga.phase === 'running' ? saga.learned : {};
}

function dueAtOf(state: StoredState): number | undefined {
  if (!isBegun(state)) return undefined;
  const own = state.clearing && clearingDueAt(state.clearing);
  const saga = 'dueAt' in state.saga ? state.saga.dueAt : undefined;
  if (own === undefined || saga === undefined) return own ?? saga;
  return Math.min(own, saga);
}
