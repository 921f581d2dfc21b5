import * as contract from './contract.ts';
import type { Said } from '#services/fields.ts';
import type { Warehouse, WarehouseCall } from './warehouse.ts';
import { answering, on, type Context, type Entity, type Result } from '#shared/entity/entity.ts';
import type { BodyOf } from '#shared/message.ts';

type DeliveryDetails = BodyOf<typeof contract.dispatch>;

interface KnownDelivery {
  readonly details: DeliveryDetails;
  /** Epoch ms of the first request. */
  readonly createdAt: number;
}

export type DeliveryState =
  | (KnownDelivery & { readonly status: 'dispatched'; readonly dispatchedAt: number })
  | (KnownDelivery & Said & { readonly status: 'refused' })
  /** `details` absent: cancelled before it was asked for. */
  | (Partial<KnownDelivery> & {
      readonly status: 'cancelled';
      readonly orderId: string;
      readonly reason: string;
      readonly dispatchedAt?: number;
    });

/**
 * The delivery of an order: dispatched or refused by the warehouse, and cancelled at most once. The warehouse is told of
 * every cancellation, whatever is known here, because a call that timed out may have had its effect.
 */
export function deliveryEntity({ warehouse }: { readonly warehouse: Warehouse }): Entity<DeliveryState> {
  return {
    route: 'delivery',
    handlers: [
      on(contract.dispatch, (state, body, context) => dispatch(warehouse, state, body, context)),
      on(contract.cancel, (state, body, context) => cancel(warehouse, state, body, context)),
    ],
  };
}

async function dispatch(
  warehouse: Warehouse,
  state: DeliveryState | undefined,
  details: DeliveryDetails,
  context: Context,
): Promise<Result<DeliveryState>> {
  const { orderId, items } = details;
  const deliveryId = contract.deliveryIdOf(orderId);
  const done = (next: DeliveryState, dispatchedAt: number): Result<DeliveryState> =>
    answering(next, context.answer(contract.dispatched, { orderId, deliveryId, dispatchedAt }));
  const refuse = (next: DeliveryState, { reason, detail }: Said): Result<DeliveryState> =>
    answering(next, context.answer(contract.refused, { orderId, reason, ...(detail !== undefined && { detail }) }));
  switch (state?.status) {
    case undefined: {
      const known = { details, createdAt: context.now };
      const outcome = await warehouse.dispatch({ ...callOf(deliveryId, context), orderId, items });
      if (!outcome.accepted) {
        const { accepted: _refused, ...said } = outcome;
        return refuse({ status: 'refused', ...known, ...said }, said);
      }
      return done({ status: 'dispatched', ...known, dispatchedAt: context.now }, context.now);
    }
    case 'dispatched':
      return sameItems(state.details, details)
        ? done(state, state.dispatchedAt)
        : refuse(state, { reason: 'conflicting_delivery' });
    case 'refused':
      return refuse(state, state);
    case 'cancelled':
      return refuse(state.details ? state : { ...state, details, createdAt: context.now }, {
        reason: 'already_cancelled',
      });
  }
}

async function cancel(
  warehouse: Warehouse,
  state: DeliveryState | undefined,
  { orderId, reason }: BodyOf<typeof contract.cancel>,
  context: Context,
): Promise<Result<DeliveryState>> {
  const send = [context.answer(contract.cancelled, { orderId })];
  if (state?.status === 'cancelled') return { state, send };
  await warehouse.cancel(callOf(contract.deliveryIdOf(orderId), context));
  if (state === undefined) return { state: { status: 'cancelled', orderId, reason }, send };
  const { details, createdAt } = state;
  const dispatchedAt = state.status === 'dispatched' ? { dispatchedAt: state.dispatchedAt } : {};
  return { state: { status: 'cancelled', orderId, reason, details, createdAt, ...dispatchedAt }, send };
}

/** The command's id is the key: a command that is run, redelivered or sent again keeps it. */
function callOf(deliveryId: string, { message, signal }: Context): WarehouseCall {
  const { id, traceparent } = message;
  return { deliveryId, idempotencyKey: id, signal, ...(traceparent !== undefined && { traceparent }) };
}

function sameItems(a: DeliveryDetails, b: DeliveryDetails): boolean {
  const listed = ({ items }: DeliveryDetails): string[] =>
    items.map(({ sku, quantity }) => `${quantity} ${sku}`).toSorted();
  return a.customerId === b.customerId && JSON.stringify(listed(a)) === JSON.stringify(listed(b));
}
