import * as contract from './contract.ts';
import type { OrderDetails } from './contract.ts';
import { paymentIdOf } from '#services/payment/contract.ts';
import { answering, on, type Context, type Entity, type Result } from '#shared/entity/entity.ts';
import type { BodyOf } from '#shared/message.ts';

export interface OrderPayment {
  readonly id: string;
  readonly status: 'created' | 'settled' | 'voided' | 'refunded';
  /** Epoch ms. */
  readonly capturedAt?: number;
}

export interface OrderEnd {
  readonly status: 'failed' | 'cancelled';
  readonly failure: { readonly reason: string; readonly step: string };
}

interface Placed {
  readonly details: OrderDetails;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly payment?: OrderPayment;
}

interface Open extends Placed {
  /** A `record-dispatch` that arrives from now on is refused. */
  readonly dispatchWithdrawn?: true;
}

export type OrderState =
  /** Only undos have arrived so far; with an `end`, the order that may follow has ended before it began. */
  | { readonly status: 'unplaced'; readonly end?: OrderEnd; readonly dispatchWithdrawn?: true }
  | (Open & { readonly status: 'pending' })
  | (Open & { readonly status: 'paid'; readonly payment: OrderPayment })
  | (Placed & { readonly status: 'completed'; readonly payment: OrderPayment; readonly dispatchedAt: number })
  | (Placed & OrderEnd);

export type PlacedOrder = Exclude<OrderState, { status: 'unplaced' }>;

const UNPLACED: OrderState = { status: 'unplaced' };

/**
 * An order: pending -> paid -> completed, or failed or cancelled from either. Nothing changes after those three, and an
 * order that was failed before it was placed is never begun.
 */
export const orderEntity: Entity<OrderState> = {
  route: 'order',
  handlers: [
    on(contract.place, place),
    on(contract.attachPayment, attachPayment),
    on(contract.recordPayment, recordPayment),
    on(contract.recordDispatch, recordDispatch),
    on(contract.withdrawDispatch, withdrawDispatch),
    on(contract.fail, fail),
  ],
};

function place(state: OrderState = UNPLACED, details: OrderDetails, context: Context): Result<OrderState> {
  const { orderId } = details;
  const refuse = (next: OrderState, reason: string): Result<OrderState> =>
    answering(next, context.answer(contract.placeRefused, { orderId, reason }));
  if (state.status !== 'unplaced') {
    if (!sameDetails(state.details, details)) return refuse(state, 'conflicting_order');
    return answering(state, context.answer(contract.placed, state.details));
  }
  const placed = { details, createdAt: context.now, updatedAt: context.now };
  if (state.end) return refuse({ ...placed, ...state.end }, `already_${state.end.status}`);
  return {
    state: { ...placed, status: 'pending', ...(state.dispatchWithdrawn && { dispatchWithdrawn: true }) },
    send: [context.answer(contract.placed, details)],
  };
}

function attachPayment(
  state: OrderState = UNPLACED,
  { orderId, paymentId }: BodyOf<typeof contract.attachPayment>,
  context: Context,
): Result<OrderState> {
  const refuse = (reason: string): Result<OrderState> =>
    answering(state, context.answer(contract.attachRefused, { orderId, reason }));
  const done = (next: OrderState): Result<OrderState> =>
    answering(next, context.answer(contract.paymentAttached, { orderId }));
  switch (state.status) {
    case 'unplaced':
      return refuse('unknown_order');
    case 'failed':
    case 'cancelled':
      return refuse(`already_${state.status}`);
    case 'pending':
    case 'paid':
    case 'completed':
      if (state.payment) return state.payment.id === paymentId ? done(state) : refuse('conflicting_payment');
      return done({ ...state, payment: { id: paymentId, status: 'created' }, updatedAt: context.now });
  }
}

function recordPayment(
  state: OrderState = UNPLACED,
  { orderId, paymentId, capturedAt }: BodyOf<typeof contract.recordPayment>,
  context: Context,
): Result<OrderState> {
  const refuse = (reason: string): Result<OrderState> =>
    answering(state, context.answer(contract.recordRefused, { orderId, reason }));
  const done = (next: OrderState): Result<OrderState> =>
    answering(next, context.answer(contract.paymentRecorded, { orderId }));
  switch (state.status) {
    case 'unplaced':
      return refuse('unknown_order');
    case 'failed':
    case 'cancelled':
      return refuse(`already_${state.status}`);
    case 'paid':
    case 'completed': {
      const same = state.payment.id === paymentId && state.payment.capturedAt === capturedAt;
      return same ? done(state) : refuse('conflicting_payment');
    }
    case 'pending':
      if (state.payment && state.payment.id !== paymentId) return refuse('conflicting_payment');
      return done({
        ...state,
        status: 'paid',
        payment: { id: paymentId, status: 'settled', capturedAt },
        updatedAt: context.now,
      });
  }
}

function recordDispatch(
  state: OrderState = UNPLACED,
  { orderId, dispatchedAt }: BodyOf<typeof contract.recordDispatch>,
  context: Context,
): Result<OrderState> {
  const refuse = (reason: string): Result<OrderState> =>
    answering(state, context.answer(contract.recordRefused, { orderId, reason }));
  switch (state.status) {
    case 'unplaced':
      return refuse('unknown_order');
    case 'failed':
    case 'cancelled':
      return refuse(`already_${state.status}`);
    case 'pending':
      return refuse('not_paid');
    case 'completed':
      return answering(state, context.answer(contract.dispatchRecorded, { orderId }));
    case 'paid': {
      if (state.dispatchWithdrawn) return refuse('already_undone');
      const { details, createdAt, payment } = state;
      return {
        state: { status: 'completed', details, createdAt, updatedAt: context.now, payment, dispatchedAt },
        send: [context.answer(contract.dispatchRecorded, { orderId })],
      };
    }
  }
}

function withdrawDispatch(
  state: OrderState = UNPLACED,
  { orderId }: BodyOf<typeof contract.withdrawDispatch>,
  context: Context,
): Result<OrderState> {
  const answer = context.answer(contract.dispatchWithdrawn, { orderId, completed: state.status === 'completed' });
  switch (state.status) {
    case 'completed':
    case 'failed':
    case 'cancelled':
      return { state, send: [answer] };
    case 'unplaced':
    case 'pending':
    case 'paid':
      return { state: { ...state, dispatchWithdrawn: true }, send: [answer] };
  }
}

function fail(
  state: OrderState = UNPLACED,
  { orderId, status, failure, payment }: BodyOf<typeof contract.fail>,
  context: Context,
): Result<OrderState> {
  const done = (next: OrderState, now: 'failed' | 'cancelled' | 'completed'): Result<OrderState> =>
    answering(next, context.answer(contract.failed, { orderId, status: now }));
  switch (state.status) {
    case 'completed':
    case 'failed':
    case 'cancelled':
      return done(state, state.status);
    case 'unplaced':
      if (state.end) return done(state, state.end.status);
      return done({ ...state, end: { status, failure } }, status);
    case 'pending':
    case 'paid': {
      const { details, createdAt } = state;
      const undone = payment ? { ...(state.payment ?? { id: paymentIdOf(orderId) }), ...payment } : state.payment;
      const ended = { details, createdAt, updatedAt: context.now, status, failure };
      return done(undone ? { ...ended, payment: undone } : ended, status);
    }
  }
}

/** Compares by value and by field, because a stored body may come back with its fields in another order. */
function sameDetails(a: OrderDetails, b: OrderDetails): boolean {
  return fingerprint(a) === fingerprint(b);
}

function fingerprint({ orderId, customerId, email, items, total, paymentMethod }: OrderDetails): string {
  return JSON.stringify([
    [orderId, customerId, email, paymentMethod, total.amount, total.currency],
    items.map(({ sku, quantity, unitPrice }) => [sku, quantity, unitPrice.amount, unitPrice.currency]),
  ]);
}
