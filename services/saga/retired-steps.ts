import type { OrderData, OrderLearned } from './order-data.ts';
import * as order from '#services/order/contract.ts';
import { paymentIdOf } from '#services/payment/contract.ts';
import { sagaWriter } from '#shared/saga/writing.ts';

const { step, undo, undoneWith } = sagaWriter<OrderData, OrderLearned>();

/** Steps that only older versions of the road have. One goes with the last version that names it. */

/** Before the order heard it from the payment's answer. */
export const attachPaymentByCommand = step({
  name: 'attach-payment',
  sent: { number: 3, title: 'payment information sent to the order' },
  number: 4,
  title: 'payment stored in the order',
  command: order.attachPayment,
  with: ({ orderId }) => ({ orderId, paymentId: paymentIdOf(orderId) }),
  undo: undoneWith('initialise-order'),
});

export const recordPaymentByCommand = step({
  name: 'record-payment',
  sent: { number: 8, title: 'payment result sent to the order' },
  number: 9,
  title: 'payment result stored in the order',
  command: order.recordPayment,
  forwardOnly: true,
  with: ({ orderId }, { capturedAt }) => ({ orderId, paymentId: paymentIdOf(orderId), capturedAt }),
  undo: undoneWith('initialise-order'),
});

/** Before it told the order of its payment as well. */
export const recordDispatchAlone = step({
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
