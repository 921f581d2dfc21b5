import * as contract from './contract.ts';
import type { OrderDetails } from './contract.ts';
import { sameDetails } from './same-details.ts';
import * as payment from '#services/payment/contract.ts';
import { answering, on, type Context, type Entity, type Result } from '#shared/entity/entity.ts';
import type { BodyOf } from '#shared/message.ts';

export interface OrderPayment {
  readonly id: string;
  readonly status: 'created' | 'settled' | 'voided' | 'refunded';
  /** Epoch ms. */
  readonly capturedAt?: number;
  /** Epoch ms at which the order learned that there is a payment, and that it is settled. */
  readonly attachedAt?: number;
  readonly recordedAt?: number;
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
    // Answers to the saga that the order hears beside it.
    on(payment.created, (state, body, context) => ({ state: withPayment(state, body, context) })),
    on(payment.settled, (state, body, context) => ({ state: withSettled(state, body, context) })),
    on(payment.createRefused, unchanged),
    on(payment.settleRefused, unchanged),
    on(contract.place, place),
    on(contract.attachPayment, attachPayment),
    on(contract.recordPayment, recordPayment),
    on(contract.recordDispatch, recordDispatch),
    on(contract.withdrawDispatch, withdrawDispatch),
    on(contract.fail, fail),
  ],
  tooLate: unchanged,
};

function unchanged(state: OrderState = UNPLACED): Result<OrderState> {
  return { state };
}

/** An order that is tried anew has another payment: of its own, the one that was created last counts until one is settled. */
function withPayment(
  state: OrderState = UNPLACED,
  { paymentId }: { readonly paymentId: string },
  { now, message }: Context,
): OrderState {
  if (state.status !== 'pending' || state.payment?.id === paymentId) return state;
  if (!mayTake(state.payment, paymentId, message.key)) return state;
  return { ...state, payment: { id: paymentId, status: 'created', attachedAt: now }, updatedAt: now };
}

function mayTake(known: OrderPayment | undefined, paymentId: string, orderId: string): boolean {
  return known === undefined || known.id === paymentId || payment.isPaymentOf(orderId, paymentId);
}

/** Paid, unless that is known, or of another order's payment, or too late. Of several payments one at most is ever settled. */
function withSettled(
  state: OrderState = UNPLACED,
  { paymentId: id, capturedAt }: { readonly paymentId: string; readonly capturedAt: number },
  { now, message }: Context,
): OrderState {
  if (state.status !== 'pending' || !mayTake(state.payment, id, message.key)) return state;
  const attachedAt = (state.payment?.id === id ? state.payment.attachedAt : undefined) ?? now;
  const settled = { id, status: 'settled', capturedAt, attachedAt, recordedAt: now } as const;
  return { ...state, status: 'paid', payment: settled, updatedAt: now };
}

function place(state: OrderState = UNPLACED, details: OrderDetails, context: Context): Result<OrderState> {
  const { orderId } = details;
  const refuse = (next: OrderState, reason: string): Result<OrderState> =>
    answering(next, context.answer(contract.placeRefused, { orderId, reason }));
  if (state.status !== 'unplaced') {
    if (!sameDetails(state.details, details)) return refuse(state, 'conflicting_order');
    return answering(state, context.answer(contract.placed, { ...state.details, placedAt: state.createdAt }));
  }
  const placed = { details, createdAt: context.now, updatedAt: context.now };
  if (state.end) return refuse({ ...placed, ...state.end }, `already_${state.end.status}`);
  return {
    state: { ...placed, status: 'pending', ...(state.dispatchWithdrawn && { dispatchWithdrawn: true }) },
    send: [context.answer(contract.placed, { ...details, placedAt: context.now })],
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
      return done(withPayment(state, { paymentId }, context));
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
      return done(withSettled(state, { paymentId, capturedAt }, context));
  }
}

function recordDispatch(
  before: OrderState = UNPLACED,
  { orderId, dispatchedAt, payment: told }: BodyOf<typeof contract.recordDispatch>,
  context: Context,
): Result<OrderState> {
  const state = told === undefined ? before : withSettled(before, told, context);
  const refuse = (reason: string): Result<OrderState> =>
    answering(before, context.answer(contract.recordRefused, { orderId, reason }));
  const done = (next: OrderState, { attachedAt, recordedAt }: OrderPayment): Result<OrderState> => {
    const times = told === undefined ? {} : { attachedAt, recordedAt };
    return answering(next, context.answer(contract.dispatchRecorded, { orderId, ...times }));
  };
  switch (state.status) {
    case 'unplaced':
      return refuse('unknown_order');
    case 'failed':
    case 'cancelled':
      return refuse(`already_${state.status}`);
    case 'pending':
      return refuse(told === undefined ? 'not_paid' : 'conflicting_payment');
    case 'completed':
      return done(state, state.payment);
    case 'paid': {
      if (state.dispatchWithdrawn) return refuse('already_undone');
      if (told !== undefined && told.paymentId !== state.payment.id) return refuse('conflicting_payment');
      const { details, createdAt, payment: paid } = state;
      const completed = { details, createdAt, updatedAt: context.now, payment: paid, dispatchedAt };
      return done({ status: 'completed', ...completed }, paid);
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
  { orderId, status, failure, payment: told }: BodyOf<typeof contract.fail>,
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
      // A payment that the saga does not know of, but the order, was voided all the same: that comes before this.
      const became = told ?? (state.payment && ({ status: 'voided' } as const));
      const undone = became && { ...(state.payment ?? { id: payment.paymentIdOf(orderId) }), ...became };
      const ended = { details, createdAt, updatedAt: context.now, status, failure };
      return done(undone ? { ...ended, payment: undone } : ended, status);
    }
  }
}
