import test from 'ava';
import fc from 'fast-check';
import * as order from '#services/order/contract.ts';
import { orderEntity, type OrderState } from '#services/order/order.ts';
import { shown } from '#services/order/view.ts';
import { runEntity } from '#test/support/run-entity.ts';

const orderId = 'order-1';
const details: order.OrderDetails = {
  orderId,
  customerId: 'alice',
  email: 'alice@example.org',
  items: [{ sku: 'tea', quantity: 2, unitPrice: { amount: 650, currency: 'EUR' } }],
  total: { amount: 1300, currency: 'EUR' },
  paymentMethod: 'pm_ok',
};
const failure = { reason: 'insufficient_funds', step: 'reserve-funds' };
type Run = ReturnType<typeof runEntity<OrderState>>;

const messages = {
  place: (run: Run, id?: string) => run.tell(order.place, details, id ? { id } : {}),
  placeOther: (run: Run) => run.tell(order.place, { ...details, email: 'mallory@example.org' }),
  attach: (run: Run, id?: string) => run.tell(order.attachPayment, { orderId, paymentId: 'pay-1' }, id ? { id } : {}),
  attachOther: (run: Run) => run.tell(order.attachPayment, { orderId, paymentId: 'pay-2' }),
  record: (run: Run, id?: string) =>
    run.tell(order.recordPayment, { orderId, paymentId: 'pay-1', capturedAt: 5 }, id ? { id } : {}),
  recordOther: (run: Run) => run.tell(order.recordPayment, { orderId, paymentId: 'pay-2', capturedAt: 5 }),
  dispatch: (run: Run, id?: string) => run.tell(order.recordDispatch, { orderId, dispatchedAt: 6 }, id ? { id } : {}),
  withdraw: (run: Run, id?: string) => run.tell(order.withdrawDispatch, { orderId, of: 'd' }, id ? { id } : {}),
  fail: (run: Run, id?: string) => run.tell(order.fail, { orderId, status: 'failed', failure }, id ? { id } : {}),
  cancel: (run: Run) =>
    run.tell(order.fail, { orderId, status: 'cancelled', failure: { reason: 'cancelled', step: 'settle' } }),
} as const;
type Name = keyof typeof messages;

const paths = {
  nothing: [],
  failedAhead: ['fail'],
  withdrawnAhead: ['withdraw'],
  pending: ['place'],
  attached: ['place', 'attach'],
  paid: ['place', 'attach', 'record'],
  withdrawn: ['place', 'attach', 'record', 'withdraw'],
  completed: ['place', 'attach', 'record', 'dispatch'],
  failed: ['place', 'attach', 'fail'],
  cancelled: ['place', 'cancel'],
  failedBeforePlace: ['fail', 'place'],
} as const satisfies Record<string, readonly Name[]>;
type Path = keyof typeof paths;

const unchanged = '';
/** For each state and message: the answer (or its refusal's reason), and the status afterwards when it changed. */
const table: Record<Path, Partial<Record<Name, readonly [answer: string, status: string]>>> = {
  nothing: {
    place: ['order.placed', 'pending'],
    attach: ['unknown_order', 'unplaced'],
    record: ['unknown_order', 'unplaced'],
    dispatch: ['unknown_order', 'unplaced'],
    withdraw: ['order.dispatch-withdrawn', 'unplaced'],
    fail: ['order.failed', 'unplaced'],
  },
  failedAhead: {
    place: ['already_failed', 'failed'],
    attach: ['unknown_order', unchanged],
    record: ['unknown_order', unchanged],
    dispatch: ['unknown_order', unchanged],
    fail: ['order.failed', unchanged],
    cancel: ['order.failed', unchanged],
  },
  withdrawnAhead: { place: ['order.placed', 'pending'], dispatch: ['unknown_order', unchanged] },
  pending: {
    place: ['order.placed', unchanged],
    placeOther: ['conflicting_order', unchanged],
    attach: ['order.payment-attached', unchanged],
    record: ['order.payment-recorded', 'paid'],
    dispatch: ['not_paid', unchanged],
    withdraw: ['order.dispatch-withdrawn', unchanged],
    fail: ['order.failed', 'failed'],
    cancel: ['order.failed', 'cancelled'],
  },
  attached: {
    attach: ['order.payment-attached', unchanged],
    attachOther: ['conflicting_payment', unchanged],
    record: ['order.payment-recorded', 'paid'],
    recordOther: ['conflicting_payment', unchanged],
    fail: ['order.failed', 'failed'],
  },
  paid: {
    place: ['order.placed', unchanged],
    attach: ['order.payment-attached', unchanged],
    attachOther: ['conflicting_payment', unchanged],
    record: ['order.payment-recorded', unchanged],
    recordOther: ['conflicting_payment', unchanged],
    dispatch: ['order.dispatch-recorded', 'completed'],
    fail: ['order.failed', 'failed'],
    cancel: ['order.failed', 'cancelled'],
  },
  withdrawn: { dispatch: ['already_undone', unchanged], fail: ['order.failed', 'failed'] },
  completed: {
    place: ['order.placed', unchanged],
    placeOther: ['conflicting_order', unchanged],
    attach: ['order.payment-attached', unchanged],
    record: ['order.payment-recorded', unchanged],
    dispatch: ['order.dispatch-recorded', unchanged],
    withdraw: ['order.dispatch-withdrawn', unchanged],
    fail: ['order.failed', unchanged],
    cancel: ['order.failed', unchanged],
  },
  failed: {
    place: ['order.placed', unchanged],
    placeOther: ['conflicting_order', unchanged],
    attach: ['already_failed', unchanged],
    record: ['already_failed', unchanged],
    dispatch: ['already_failed', unchanged],
    withdraw: ['order.dispatch-withdrawn', unchanged],
    cancel: ['order.failed', unchanged],
  },
  cancelled: { attach: ['already_cancelled', unchanged], fail: ['order.failed', unchanged] },
  failedBeforePlace: { attach: ['already_failed', unchanged], record: ['already_failed', unchanged] },
};

for (const [path, row] of Object.entries(table)) {
  for (const [name, [answer, status]] of Object.entries(row)) {
    test(`${path}: ${name} is answered ${answer}${status && ` and leads to ${status}`}`, async (t) => {
      const run = runEntity(orderEntity);
      for (const step of paths[path as Path]) await messages[step](run);
      const before = run.state;
      const { type, body } = await messages[name as Name](run);
      t.is(body['reason'] ?? type, answer);
      if (status) t.is(run.state?.status, status as OrderState['status']);
      else t.is(run.state?.status, before?.status);
    });
  }
}

test('a completed order tells the undo that nothing may be undone any more', async (t) => {
  const run = runEntity(orderEntity);
  for (const step of paths.completed) await messages[step](run);
  t.is((await messages.withdraw(run)).body['completed'], true);
  t.is((await messages.fail(run)).body['status'], 'completed');
});

test('an order shows its payment, its dispatch and its failure in the shape of the API', async (t) => {
  const run = runEntity(orderEntity, { now: 0 });
  for (const step of paths.completed) await messages[step](run);
  const { orderId: id, ...given } = details;
  const times = { createdAt: '1970-01-01T00:00:00.000Z', updatedAt: '1970-01-01T00:00:00.000Z' };
  t.deepEqual(shown(run.state!), {
    id,
    ...given,
    ...times,
    status: 'completed',
    paymentId: 'pay-1',
    payment: { id: 'pay-1', status: 'settled', capturedAt: '1970-01-01T00:00:00.005Z' },
    notification: { dispatchedAt: '1970-01-01T00:00:00.006Z' },
  });

  const failed = runEntity(orderEntity, { now: 0 });
  await messages.place(failed);
  await failed.tell(order.fail, { orderId, status: 'failed', failure, payment: { status: 'voided' } });
  t.deepEqual(shown(failed.state!), {
    id,
    ...given,
    ...times,
    status: 'failed',
    failure,
    paymentId: 'pay-order-1',
    payment: { id: 'pay-order-1', status: 'voided' },
  });
});

test('an order that failed before it was placed is readable as failed once its details are known', async (t) => {
  const run = runEntity(orderEntity);
  await messages.fail(run);
  t.is(shown(run.state!), undefined);
  await messages.place(run);
  t.is(shown(run.state!)?.status, 'failed');
  t.deepEqual(shown(run.state!)?.failure, failure);
});

const names = ['place', 'attach', 'record', 'dispatch', 'withdraw', 'fail'] as const;

test('whatever the order and the duplicates, nothing changes after an end, and a withdrawn dispatch never completes', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray([...names, ...names, ...names], { minLength: 6 }), async (sequence) => {
      const run = runEntity(orderEntity);
      let ended: OrderState | undefined;
      let withdrawn = false;
      for (const [index, name] of sequence.entries()) {
        const { body } = await messages[name](run, index % 2 ? name : undefined);
        if (name === 'withdraw' && body['completed'] === false) withdrawn = true;
        if (ended) t.deepEqual(run.state, ended);
        if (withdrawn) t.not(run.state?.status, 'completed');
        if (['completed', 'failed', 'cancelled'].includes(run.state?.status ?? '')) ended = run.state;
      }
      if (sequence.includes('fail')) {
        const end = run.state?.status === 'unplaced' ? run.state.end?.status : run.state?.status;
        t.true(end === 'failed' || end === 'completed');
      }
    }),
    { numRuns: 300 },
  );
});

test('an order that was priced by strategies keeps each line as it was priced; another amount or version is another order', async (t) => {
  const priced = [{ line: 0, amount: 650, by: 'v1' }];
  const placed: order.OrderDetails = { ...details, priced, total: { amount: 650, currency: 'EUR' } };
  const run = runEntity(orderEntity);
  t.is((await run.tell(order.place, placed)).type, 'order.placed');
  t.deepEqual(shown(run.state!)?.items, [{ ...details.items[0]!, amount: 650, pricedBy: 'v1' }]);
  t.is((await run.tell(order.place, placed, { id: 'again' })).type, 'order.placed');
  for (const other of [{ amount: 651 }, { by: 'v2' }])
    t.is(
      (await run.tell(order.place, { ...placed, priced: [{ ...priced[0]!, ...other }] })).type,
      'order.place-refused',
    );
});
