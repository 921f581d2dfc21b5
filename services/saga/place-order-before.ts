import { askedSteps, defineSaga, step, undo, undoneWith, type Written } from './definition.ts';
import { placeOrder } from './place-order.ts';
import * as order from '#services/order/contract.ts';
import { paymentIdOf } from '#services/payment/contract.ts';

/**
 * The roads that orders began under before the present one. Each is a list of its own; a step that never changed is named.
 * A test holds what every version sends. A version goes when the last saga of it has ended.
 */

/** The present step of that name, sent when the one above it in the list is done. */
function same(name: string): Written {
  const found = askedSteps(placeOrder).find((one) => one.name === name);
  if (found === undefined) throw new TypeError(`the present road has no step ${name}`);
  return { ...found, after: undefined };
}

const attachPayment = step({
  name: 'attach-payment',
  sent: { number: 3, title: 'payment information sent to the order' },
  number: 4,
  title: 'payment stored in the order',
  command: order.attachPayment,
  with: ({ orderId }) => ({ orderId, paymentId: paymentIdOf(orderId) }),
  undo: undoneWith('initialise-order'),
});

const recordPayment = step({
  name: 'record-payment',
  sent: { number: 8, title: 'payment result sent to the order' },
  number: 9,
  title: 'payment result stored in the order',
  command: order.recordPayment,
  forwardOnly: true,
  with: ({ orderId }, { capturedAt }) => ({ orderId, paymentId: paymentIdOf(orderId), capturedAt }),
  undo: undoneWith('initialise-order'),
});

const recordDispatch = step({
  name: 'record-dispatch',
  sent: { number: 12, title: 'dispatch of the mail sent to the order' },
  number: 13,
  title: 'saga completed',
  command: order.recordDispatch,
  forwardOnly: true,
  with: ({ orderId }, { dispatchedAt }) => ({ orderId, dispatchedAt }),
  undo: undo(order.withdrawDispatch, ({ orderId }, { of }) => ({ orderId, of }), {
    isFinal: ({ completed }) => completed,
  }),
});

/** One step after the other, each with a command and an answer of its own. */
export const placeOrder2 = defineSaga({
  ...placeOrder,
  version: 2,
  steps: [
    same('create-payment'),
    attachPayment,
    same('hold-funds'),
    same('authorize-payment'),
    same('capture-funds'),
    same('settle-payment'),
    recordPayment,
    same('arrange-delivery'),
    same('notify-customer'),
    recordDispatch,
  ],
});

/** Before there were deliveries. */
export const placeOrder1 = defineSaga({
  ...placeOrder,
  version: 1,
  steps: [
    same('create-payment'),
    attachPayment,
    same('hold-funds'),
    same('authorize-payment'),
    same('capture-funds'),
    same('settle-payment'),
    recordPayment,
    same('notify-customer'),
    recordDispatch,
  ],
});
