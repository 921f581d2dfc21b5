import type { OrderData, OrderLearned } from './order-data.ts';
import * as delivery from '#services/delivery/contract.ts';
import * as notify from '#services/notify/contract.ts';
import * as order from '#services/order/contract.ts';
import * as payment from '#services/payment/contract.ts';
import { type Retrying, triedAgain } from './retrying.ts';
import * as stock from '#services/stock/contract.ts';
import * as wallet from '#services/wallet/contract.ts';
import type { Start } from '#shared/saga/step.ts';
import { sagaWriter } from '#shared/saga/writing.ts';

const { step, forEach, heard, undo, undoneWith, notice } = sagaWriter<OrderData, OrderLearned>();

const paymentOf = ({ orderId }: OrderData, learned: Partial<OrderLearned>) =>
  learned.paymentId ?? payment.paymentIdOf(orderId);
const holdOf = ({ orderId }: OrderData, learned: Partial<OrderLearned>) => learned.holdId ?? wallet.holdIdOf(orderId);
const ofHold = (order: OrderData, learned: Partial<OrderLearned>) => ({
  customerId: order.customerId,
  orderId: order.orderId,
  holdId: holdOf(order, learned),
});

/**
 * The road of an order, from top to bottom. What was done is undone in the reverse order. A new step is one object here, plus its
 * owner's contract and handler, and a new list in `place-order-versions.ts`, which says which steps an order takes.
 */

export const initialiseOrder = {
  name: 'initialise-order',
  number: 1,
  title: 'order initialised',
  command: order.place,
  effectId: (orderId) => `${orderId}:place`,
  undo: undo(order.fail, ({ orderId }, { outcome, failure, learned }) => ({
    orderId,
    status: outcome,
    failure: { reason: failure.reason, step: failure.step },
    ...(learned.payment === 'voided' || learned.payment === 'refunded' ? { payment: { status: learned.payment } } : {}),
  })),
} satisfies Start<OrderData, OrderLearned>;

/** Nothing expires by itself; an order has ended long before, also when it used up every try and its sending again. */
const RESERVED_FOR_MS = 7 * 24 * 3_600_000;

/** All SKUs or none: one that is refused releases the others, and the next try asks for all of them again. */
export const reserveStock = (retrying: Retrying) =>
  forEach(
    ({ parcel }) => parcel,
    ({ sku, quantity }) =>
      step({
        name: 'reserve-stock',
        title: 'stock reserved',
        command: stock.reserve,
        ...triedAgain(retrying, 'release', ['unknown_product', 'already_undone', 'conflicting_reservation']),
        with: ({ orderId, placedAt = 0 }) => ({ sku, orderId, quantity, expiresAt: placedAt + RESERVED_FOR_MS }),
        undo: undo(stock.release, ({ orderId }, { of }) => ({ sku, orderId, of }), { ownerLivesOn: true }),
      }),
  );

export const createPayment = step({
  name: 'create-payment',
  number: 2,
  title: 'payment created',
  command: payment.create,
  with: ({ orderId, customerId, total, paymentMethod }, _learned, number) => ({
    paymentId: payment.paymentIdOf(orderId, number),
    orderId,
    customerId,
    amount: total,
    method: paymentMethod,
  }),
  learn: ({ paymentId }) => ({ paymentId, payment: 'created' }),
  undo: undo(
    payment.voidPayment,
    ({ orderId }, { of, number, failure }) => ({
      paymentId: payment.paymentIdOf(orderId, number),
      orderId,
      of,
      reason: failure.reason,
    }),
    { learn: ({ status }, learned) => (learned.payment === 'created' ? { payment: status ?? 'voided' } : {}) },
  ),
});

export const attachPayment = heard({
  name: 'attach-payment',
  sent: { number: 3, title: 'payment information sent to the order' },
  number: 4,
  title: 'payment stored in the order',
  owner: 'order',
  hears: 'create-payment',
  undo: undoneWith('initialise-order'),
});

export const holdFunds = step({
  name: 'hold-funds',
  number: 5,
  title: 'funds reserved in the wallet',
  command: wallet.hold,
  with: ({ orderId, customerId, total }, _learned, number) => ({
    customerId,
    orderId,
    holdId: wallet.holdIdOf(orderId, number),
    amount: total,
  }),
  learn: ({ holdId }) => ({ holdId }),
  undo: undo(
    wallet.release,
    ({ orderId, customerId }, { of, number }) => ({
      customerId,
      orderId,
      holdId: wallet.holdIdOf(orderId, number),
      of,
    }),
    { ownerLivesOn: true },
  ),
});

export const authorizePayment = step({
  name: 'authorize-payment',
  number: 6,
  title: 'funds confirmed to the payment',
  command: payment.authorize,
  with: (order, learned) => ({ paymentId: paymentOf(order, learned), holdId: holdOf(order, learned) }),
  undo: undoneWith('create-payment'),
});

/** The same, tried again when the provider declines it. */
export const authorizePaymentAgain = (retrying: Retrying) => ({
  ...authorizePayment,
  ...triedAgain(retrying, retrying.stockBetween, [
    'unknown_payment_method',
    'unknown_payment',
    'conflicting_hold',
    'already_voided',
    'already_refunded',
  ]),
});

export const captureFunds = step({
  name: 'capture-funds',
  number: 7,
  milestone: false,
  title: 'funds taken from the wallet',
  command: wallet.capture,
  with: ofHold,
  learn: ({ captureId, capturedAt }) => ({ captureId, capturedAt }),
  undo: undo(wallet.refundToWallet, (order, { of, learned }) => ({ ...ofHold(order, learned), of }), {
    ownerLivesOn: true,
  }),
});

export const settlePayment = step({
  name: 'settle-payment',
  number: 7,
  title: 'payment processed',
  command: payment.settle,
  with: (order, learned) => ({
    paymentId: paymentOf(order, learned),
    captureId: learned.captureId,
    capturedAt: learned.capturedAt,
  }),
  learn: ({ capturedAt }) => ({ capturedAt, payment: 'settled' }),
  undo: undo(
    payment.refund,
    (order, { of, failure, learned }) => ({
      paymentId: paymentOf(order, learned),
      orderId: order.orderId,
      of,
      reason: failure.reason,
    }),
    { learn: (_answer, learned) => (learned.payment === 'settled' ? { payment: 'refunded' } : {}) },
  ),
});

export const recordPayment = heard({
  name: 'record-payment',
  sent: { number: 8, title: 'payment result sent to the order' },
  number: 9,
  title: 'payment result stored in the order',
  owner: 'order',
  hears: 'settle-payment',
  undo: undoneWith('initialise-order'),
});

export const commitStock = forEach(
  ({ parcel }) => parcel,
  ({ sku }) =>
    step({
      name: 'commit-stock',
      title: 'stock sold',
      command: stock.commit,
      forwardOnly: true,
      with: ({ orderId }) => ({ sku, orderId }),
      undo: undo(stock.returnSold, ({ orderId }, { of }) => ({ sku, orderId, of }), { ownerLivesOn: true }),
    }),
);

export const arrangeDelivery = step({
  name: 'arrange-delivery',
  title: 'delivery arranged with the warehouse',
  command: delivery.dispatch,
  forwardOnly: true,
  with: ({ orderId, customerId, parcel }) => ({ orderId, customerId, items: parcel }),
  undo: undo(delivery.cancel, ({ orderId }, { of, failure }) => ({ orderId, of, reason: failure.reason })),
});

export const notifyCustomer = step({
  name: 'notify-customer',
  sent: { number: 10, title: 'outcome sent to notify' },
  number: 11,
  title: 'customer notified by mail',
  command: notify.send,
  forwardOnly: true,
  with: (order) => ({ ...told(order), outcome: 'completed' }),
  learn: ({ dispatchedAt }) => ({ dispatchedAt }),
  undo: undo(notify.retract, ({ orderId }, { of }) => ({ orderId, of })),
});

export const recordDispatch = step({
  name: 'record-dispatch',
  sent: { number: 12, title: 'dispatch of the mail sent to the order' },
  number: 13,
  title: 'saga completed',
  command: order.recordDispatch,
  forwardOnly: true,
  with: (order, learned) => ({
    orderId: order.orderId,
    dispatchedAt: learned.dispatchedAt,
    payment: { paymentId: paymentOf(order, learned), capturedAt: learned.capturedAt },
  }),
  confirms: ({ attachedAt, recordedAt }) => ({ 'attach-payment': attachedAt, 'record-payment': recordedAt }),
  undo: undo(order.withdrawDispatch, ({ orderId }, { of }) => ({ orderId, of }), {
    isFinal: ({ completed }) => completed,
  }),
});

/** What the customer is told once everything is undone. */
export const tellCustomer = notice({
  name: 'tell-customer',
  title: 'customer told how the order ended',
  command: notify.send,
  with: (order, { outcome, failure }) => ({ ...told(order), outcome, reason: failure.reason }),
});

/** What every mail tells about the order. */
function told({ orderId, email, customerId, total, placedAt, listing }: OrderData) {
  return { orderId, to: email, customerId, total, ...(placedAt !== undefined && { placedAt }), ...listing };
}
