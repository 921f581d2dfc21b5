import * as contract from './contract.ts';
import type { Provider, ProviderCall } from './provider.ts';
import { answering, on, type Context, type Entity, type Result } from '#shared/entity/entity.ts';
import type { BodyOf } from '#shared/message.ts';

type Details = BodyOf<typeof contract.create>;

interface Known {
  readonly details: Details;
  /** Epoch ms. */
  readonly createdAt: number;
}

interface Undone {
  readonly paymentId: string;
  readonly orderId: string;
  readonly reason: string;
  /** Absent: undone before it was created. */
  readonly details?: Details;
  readonly createdAt?: number;
}

interface Unsettled extends Known {
  /** A refund came first: a settlement that arrives from now on is refused. */
  readonly settleForbidden?: true;
}

export type PaymentState =
  /** Nothing but a refund has arrived so far, or a command that was refused. */
  | { readonly status: 'unknown'; readonly settleForbidden?: true }
  /** `declined`: why the last try to authorize it was refused; `declines`: how many were, absent: one. */
  | (Unsettled & { readonly status: 'created'; readonly declined?: string; readonly declines?: number })
  | (Unsettled & { readonly status: 'authorized'; readonly holdId: string })
  | (Known & {
      readonly status: 'settled';
      readonly holdId: string;
      readonly captureId: string;
      /** Epoch ms of the capture in the wallet. */
      readonly capturedAt: number;
    })
  | (Undone & { readonly status: 'voided' })
  | (Undone & { readonly status: 'refunded'; readonly capturedAt?: number });

const UNKNOWN: PaymentState = { status: 'unknown' };

/**
 * A payment: created -> authorized -> settled -> refunded, or voided before it settles. The provider is told of every
 * void and refund, whatever is known here, because a call that timed out may have had its effect; of a payment over
 * nothing it is told nothing.
 */
export function paymentEntity({ provider }: { readonly provider: Provider }): Entity<PaymentState> {
  return {
    route: 'payment',
    handlers: [
      on(contract.create, create),
      on(contract.authorize, (state, body, context) => authorize(provider, state, body, context)),
      on(contract.settle, (state, body, context) => settle(provider, state, body, context)),
      on(contract.voidPayment, (state, body, context) => voidPayment(provider, state, body, context)),
      on(contract.refund, (state, body, context) => refund(provider, state, body, context)),
    ],
  };
}

function create(state: PaymentState = UNKNOWN, details: Details, context: Context): Result<PaymentState> {
  const { paymentId } = details;
  const done = (next: PaymentState): Result<PaymentState> =>
    answering(next, context.answer(contract.created, { paymentId }));
  const refuse = (next: PaymentState, reason: string): Result<PaymentState> =>
    answering(next, context.answer(contract.createRefused, { paymentId, reason }));
  switch (state.status) {
    case 'unknown':
      return done({ ...state, status: 'created', details, createdAt: context.now });
    case 'created':
    case 'authorized':
    case 'settled':
      return sameDetails(state.details, details) ? done(state) : refuse(state, 'conflicting_payment');
    case 'voided':
    case 'refunded':
      return refuse(state.details ? state : { ...state, details, createdAt: context.now }, `already_${state.status}`);
  }
}

async function authorize(
  provider: Provider,
  state: PaymentState = UNKNOWN,
  { paymentId, holdId }: BodyOf<typeof contract.authorize>,
  context: Context,
): Promise<Result<PaymentState>> {
  const done = (next: PaymentState): Result<PaymentState> =>
    answering(next, context.answer(contract.authorized, { paymentId }));
  const decline = (next: PaymentState, reason: string, detail?: string): Result<PaymentState> =>
    answering(next, context.answer(contract.declined, { paymentId, reason, ...(detail !== undefined && { detail }) }));
  switch (state.status) {
    case 'unknown':
      return decline(state, 'unknown_payment');
    case 'authorized':
    case 'settled':
      return state.holdId === holdId ? done(state) : decline(state, 'conflicting_hold');
    case 'voided':
    case 'refunded':
      return decline(state, `already_${state.status}`);
    case 'created': {
      const { orderId, amount, method } = state.details;
      const declines = state.declines ?? (state.declined === undefined ? 0 : 1);
      const outcome = isFree(state.details)
        ? ({ approved: true } as const)
        : await provider.authorize({
            ...callOf(paymentId, again('authorize', declines), context),
            orderId,
            amount,
            method,
          });
      if (!outcome.approved)
        return decline({ ...state, declined: outcome.reason, declines: declines + 1 }, outcome.reason, outcome.detail);
      const { details, createdAt, settleForbidden } = state;
      return done({ status: 'authorized', details, createdAt, holdId, ...(settleForbidden && { settleForbidden }) });
    }
  }
}

async function settle(
  provider: Provider,
  state: PaymentState = UNKNOWN,
  { paymentId, captureId, capturedAt }: BodyOf<typeof contract.settle>,
  context: Context,
): Promise<Result<PaymentState>> {
  const done = (next: PaymentState, at: number): Result<PaymentState> =>
    answering(next, context.answer(contract.settled, { paymentId, capturedAt: at }));
  const refuse = (reason: string, detail?: string): Result<PaymentState> =>
    answering(
      state,
      context.answer(contract.settleRefused, { paymentId, reason, ...(detail !== undefined && { detail }) }),
    );
  switch (state.status) {
    case 'unknown':
      return refuse('unknown_payment');
    case 'created':
      return refuse('not_authorized');
    case 'settled':
      return state.captureId === captureId ? done(state, state.capturedAt) : refuse('conflicting_capture');
    case 'voided':
    case 'refunded':
      return refuse(`already_${state.status}`);
    case 'authorized': {
      if (state.settleForbidden) return refuse('already_undone');
      const outcome = isFree(state.details)
        ? ({ approved: true } as const)
        : await provider.capture(callOf(paymentId, 'capture', context));
      if (!outcome.approved) return refuse(outcome.reason, outcome.detail);
      const { details, createdAt, holdId } = state;
      return done({ status: 'settled', details, createdAt, holdId, captureId, capturedAt }, capturedAt);
    }
  }
}

async function voidPayment(
  provider: Provider,
  state: PaymentState = UNKNOWN,
  { paymentId, orderId, reason }: BodyOf<typeof contract.voidPayment>,
  context: Context,
): Promise<Result<PaymentState>> {
  const done = (next: PaymentState): Result<PaymentState> =>
    answering(next, context.answer(contract.voided, { paymentId, ...undoneAs(next) }));
  switch (state.status) {
    case 'settled':
    case 'refunded':
    case 'voided':
      return done(state);
    case 'unknown':
    case 'created':
    case 'authorized':
      if (!isFree(knownOf(state).details)) await provider.void(callOf(paymentId, 'void', context));
      return done({ status: 'voided', paymentId, orderId, reason, ...knownOf(state) });
  }
}

async function refund(
  provider: Provider,
  state: PaymentState = UNKNOWN,
  { paymentId, orderId, reason }: BodyOf<typeof contract.refund>,
  context: Context,
): Promise<Result<PaymentState>> {
  const send = [context.answer(contract.refunded, { paymentId })];
  if (state.status === 'refunded') return { state, send };
  const { refunded } = isFree(knownOf(state).details)
    ? { refunded: false }
    : await provider.refund(callOf(paymentId, 'refund', context));
  if (state.status === 'settled' || refunded) {
    const capturedAt = state.status === 'settled' ? { capturedAt: state.capturedAt } : {};
    return { state: { status: 'refunded', paymentId, orderId, reason, ...knownOf(state), ...capturedAt }, send };
  }
  return { state: state.status === 'voided' ? state : { ...state, settleForbidden: true }, send };
}

/** Providers move no 0: they are asked nothing about such a payment. */
function isFree(details: Details | undefined): boolean {
  return details?.amount.amount === 0;
}

/** A provider answers the same to the same key: what it declined is asked again under another one. */
function again(effect: string, declines: number): string {
  return declines === 0 ? effect : `${effect}#${declines + 1}`;
}

function callOf(paymentId: string, effect: string, { message, signal }: Context): ProviderCall {
  const { traceparent } = message;
  return {
    paymentId,
    idempotencyKey: `${paymentId}:${effect}`,
    signal,
    ...(traceparent !== undefined && { traceparent }),
  };
}

function undoneAs({ status }: PaymentState): { readonly status?: 'voided' | 'refunded' } {
  return status === 'voided' || status === 'refunded' ? { status } : {};
}

function knownOf(state: PaymentState): Partial<Known> {
  return 'details' in state && state.details !== undefined && state.createdAt !== undefined
    ? { details: state.details, createdAt: state.createdAt }
    : {};
}

/** Compares by field, because a stored body may come back with its fields in another order. */
function sameDetails(a: Details, b: Details): boolean {
  const fields = ['paymentId', 'orderId', 'customerId', 'method'] as const;
  return (
    fields.every((field) => a[field] === b[field]) &&
    a.amount.amount === b.amount.amount &&
    a.amount.currency === b.amount.currency
  );
}
