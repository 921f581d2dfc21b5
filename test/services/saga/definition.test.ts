import test from 'ava';
import type { OrderData, OrderLearned } from '#services/saga/order-data.ts';
import * as order from '#services/order/contract.ts';
import * as wallet from '#services/wallet/contract.ts';
import { sagaWriter } from '#shared/saga/writing.ts';

const { step, undo, undoneWith } = sagaWriter<OrderData, OrderLearned>();
const described = { name: 'hold-funds', number: 5, title: 'funds reserved' };
const back = undoneWith('initialise-order');

test('a step builds the body of its command', (t) => {
  const hold = step({
    ...described,
    command: wallet.hold,
    with: ({ orderId, customerId, total }) => ({ orderId, customerId, holdId: 'h', amount: total }),
    undo: back,
  });
  t.is(hold.command.name, 'wallet.hold');
  t.false(hold.forwardOnly);
});

test('these do not compile', (t) => {
  const send = { ...described, undo: back };
  const dispatch = { ...send, command: order.recordDispatch };
  // @ts-expect-error a field of the body is missing
  step({ ...send, command: wallet.hold, with: ({ orderId, customerId }) => ({ orderId, customerId, holdId: 'h' }) });
  // @ts-expect-error a field has another type
  step({ ...dispatch, with: ({ orderId }) => ({ orderId, dispatchedAt: 'now' }) });
  const known = { ...dispatch, with: () => ({ orderId: 'o', dispatchedAt: 1 }) };
  // @ts-expect-error the answer does not tell that
  step({ ...known, learn: ({ capturedAt }) => ({ capturedAt }) });
  // @ts-expect-error nothing of the kind is ever learned
  step({ ...dispatch, with: ({ orderId }, { shippedAt }) => ({ orderId, dispatchedAt: shippedAt }) });
  // @ts-expect-error a step needs an undo, or the name of the step whose undo takes it back
  step({ ...described, command: order.recordDispatch, with: ({ orderId }) => ({ orderId, dispatchedAt: 1 }) });
  // @ts-expect-error an undo names its effect
  undo(wallet.release, ({ orderId, customerId }) => ({ orderId, customerId, holdId: 'h' }));
  // @ts-expect-error an event is no command
  step({ ...send, command: wallet.held, with: () => ({ holdId: 'h' }) });
  t.pass();
});
