import { SAGA_ROUTE, cancel, cancelRefused, cancelling } from './contract.ts';
import { orderDataOf, type OrderData, type OrderLearned } from './order-data.ts';
import { logging } from './order-logs.ts';
import { audienceOf } from './routes.ts';
import { placeRefused, placed } from '#services/order/contract.ts';
import { on, type Entity } from '#shared/entity/entity.ts';
import type { Log } from '#shared/log.ts';
import type { Definition } from '#shared/saga/definition.ts';
import { sagaMachine } from '#shared/saga/machine.ts';
import type { OpenSaga, SagaState } from '#shared/saga/state.ts';
import type { FinalNotice, OwnUndo, Start } from '#shared/saga/step.ts';
import type { SagaTiming } from '#shared/saga/transition.ts';

export type OrderSaga = SagaState<OrderData, OrderLearned>;
export type OrderDefinition = Definition<OrderData, OrderLearned>;
/** Its start is undone at last, and its customer told. */
export type OrderRoad = OrderDefinition & {
  readonly start: Start<OrderData, OrderLearned> & { readonly undo: OwnUndo<OrderData, OrderLearned> };
  readonly finalNotice: FinalNotice<OrderData>;
};

export interface SagaOptions extends SagaTiming {
  readonly log: Log;
  /** Whether every copy can go on with sagas of this definition, by its label. Absent: all can run all. */
  readonly isRunByAll?: (definition: string) => boolean;
}

/**
 * The saga of an order: key = order id. New orders start under the first definition that all copies can run; the others stay
 * runnable for the sagas that started under them.
 */
export function sagaEntity(definitions: readonly OrderDefinition[], options: SagaOptions): Entity<OrderSaga> {
  const machine = sagaMachine(definitions, { ...options, keyName: 'orderId', audienceOf });
  const entity = machine.entityOf(readable);
  return logging({
    ...entity,
    route: SAGA_ROUTE,
    handlers: [
      on(placed, (state, details, context) => machine.start(state, () => orderDataOf(details, context.now), context)),
      on(placeRefused, (state) => ({ state: state ?? { phase: 'unknown' } })),
      on(cancel, (state, { orderId }, context) => {
        const cancelled = machine.cancel(readable(state), context);
        if (!cancelled.isCancelled) {
          const reason = cancelled.obstacle === 'unknown' ? 'unknown_order' : cancelled.obstacle;
          return { state: cancelled.state, send: [context.answer(cancelRefused, { orderId, reason })] };
        }
        const { state: next, send = [] } = cancelled.result;
        return { state: next, send: [context.answer(cancelling, { orderId }), ...send] };
      }),
      ...entity.handlers,
    ],
  });
}

/** A saga that was stored when what it keeps of its order was called `order`, in today's form. */
function readable(state: OrderSaga | undefined): OrderSaga | undefined {
  if (state?.phase === 'parked') return { ...state, was: withData(state.was) };
  return state === undefined || state.phase === 'unknown' || state.phase === 'ended' ? state : withData(state);
}

type OpenOrderSaga = OpenSaga<OrderData, OrderLearned>;

function withData(open: OpenOrderSaga & { readonly order?: OrderData }): OpenOrderSaga {
  if (open.order === undefined) return open;
  const { order, ...rest } = open;
  return { ...rest, data: order };
}
