import test from 'ava';
import { details, stepCases } from './cases.ts';
import { driveSaga, timing } from './drive.ts';
import { askedSteps, routesBeforeNoReturn } from '#shared/saga/definition.ts';
import { definitions, placeOrder, placeOrder3 } from '#services/saga/place-order-versions.ts';
import { labelOf } from '#shared/saga/definition.ts';

/** Where the exact story is the point, it is told of one version by name: a new one changes none of it. */
const driveThird = () => driveSaga({ definitions: [placeOrder3] });

const definitionCommands = [
  placeOrder.start.undo.command,
  placeOrder.finalNotice.command,
  ...askedSteps(placeOrder).flatMap(({ command, undo }) => (undo.kind === 'own' ? [command, undo.command] : [command])),
];
const commands = new Map(definitionCommands.map((command) => [command.name, command]));

for (const definition of definitions) {
  test(`${labelOf(definition)}: the commands of its steps are sent in their order, each once`, async (t) => {
    const drive = driveSaga({ definitions: [definition] });
    await drive.place();
    await drive.goOn();
    t.deepEqual(
      drive.sent.map(({ type }) => type),
      stepCases(definition).map(({ command }) => command),
    );
    t.is(drive.timeline().state, 'completed');
  });
}

test('the third version: an order travels by eight commands, in this order', async (t) => {
  const drive = driveThird();
  await drive.place();
  await drive.goOn();
  t.deepEqual(
    drive.sent.map(({ type }) => type),
    [
      'payment.create',
      'wallet.hold',
      'payment.authorize',
      'wallet.capture',
      'payment.settle',
      'delivery.dispatch',
      'notify.send',
      'order.record-dispatch',
    ],
  );
  t.is(drive.timeline().state, 'completed');
});

test('the thirteen steps are reached, those that the order hears when it says so', async (t) => {
  const drive = driveSaga();
  await drive.place();
  while (drive.outstanding().length > 0) {
    await drive.pass(10);
    const isLast = drive.last.type === 'order.record-dispatch';
    const numbers = drive.timeline().milestones.map(({ number }) => number);
    t.false(numbers.includes(4) || numbers.includes(9), 'not before the order says so');
    await drive.answer('done', drive.last, isLast ? { attachedAt: drive.now - 65, recordedAt: drive.now - 25 } : {});
  }
  const { milestones, steps } = drive.timeline();
  t.deepEqual(
    milestones.map(({ number }) => number),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13],
  );
  const at = (number: number): number => Date.parse(milestones.find((one) => one.number === number)!.at);
  t.is(at(4), drive.now - 65);
  t.is(at(9), drive.now - 25);
  t.true(at(3) <= at(4) && at(8) <= at(9), 'told before it was stored');
  t.true(steps.every(({ state }) => state === 'done'));
});

/** The compensations as the design's table has them, by hand: what the generated cases derive must agree with it. */
const undosAfterSilenceAt: Readonly<Record<string, readonly string[]>> = {
  'create-payment': ['payment.void', 'order.fail'],
  'hold-funds': ['wallet.release', 'payment.void', 'order.fail'],
  'authorize-payment': ['wallet.release', 'payment.void', 'order.fail'],
  'capture-funds': ['wallet.refund', 'wallet.release', 'payment.void', 'order.fail'],
  'settle-payment': ['payment.refund', 'wallet.refund', 'wallet.release', 'payment.void', 'order.fail'],
  'arrange-delivery': [
    'delivery.cancel',
    'payment.refund',
    'wallet.refund',
    'wallet.release',
    'payment.void',
    'order.fail',
  ],
  'notify-customer': [
    'notify.retract',
    'delivery.cancel',
    'payment.refund',
    'wallet.refund',
    'wallet.release',
    'payment.void',
    'order.fail',
  ],
  'record-dispatch': [
    'order.withdraw-dispatch',
    'notify.retract',
    'delivery.cancel',
    'payment.refund',
    'wallet.refund',
    'wallet.release',
    'payment.void',
    'order.fail',
  ],
};

for (const step of stepCases(placeOrder3)) {
  test(`the third version: the compensations from ${step.name} on are those of the design`, (t) => {
    t.deepEqual(
      step.afterSilence('o').map(({ command }) => command),
      undosAfterSilenceAt[step.name] as string[],
    );
  });
}

test('after the capture a fault is retried forward, and a certain refusal still undoes the order', (t) => {
  const cases = stepCases(placeOrder3);
  const forward = cases.filter(({ forwardOnly }) => forwardOnly);
  t.deepEqual(
    forward.map(({ name }) => name),
    ['arrange-delivery', 'notify-customer', 'record-dispatch'],
  );
  t.true(forward.every(({ canRefuse }) => canRefuse));
});

test('every body passes its schema and names the key that it is sent under, forward and back', async (t) => {
  const drive = driveSaga();
  await drive.goTo('record-dispatch');
  await drive.answer('refused');
  await drive.goOn();
  for (const { type, body, key } of drive.sent) {
    const command = commands.get(type)!;
    t.notThrows(() => command.body.parse(body), type);
    t.is(command.key(body), key);
  }
  t.is(new Set(drive.sent.map(({ type }) => type)).size, commands.size - 1, 'all but the withdrawal were seen');
});

test('forward commands carry the deadline of their step, undos and forward-only steps none', async (t) => {
  const drive = driveThird();
  await drive.goTo('record-dispatch');
  await drive.answer('refused');
  await drive.goOn();
  for (const { id, type, deadline, rememberUntil } of drive.sent) {
    const step = askedSteps(placeOrder3).find(({ name }) => id.endsWith(`:${name}:do`));
    t.is(deadline, step === undefined || step.forwardOnly ? undefined : drive.now + timing.stepDeadlineMs, type);
    const toWallet = id.endsWith(':undo') && type.startsWith('wallet.');
    t.is(rememberUntil, toWallet ? drive.now + timing.stepDeadlineMs : undefined, type);
  }
});

test('short funds: the payment is voided for that reason, the order fails, then the customer is told', async (t) => {
  const drive = driveThird();
  await drive.goTo('hold-funds');
  await drive.answer('refused', drive.last, { reason: 'insufficient_funds' });
  t.like(drive.last, {
    type: 'payment.void',
    body: { of: `${drive.orderId}:create-payment:do`, reason: 'insufficient_funds' },
  });
  await drive.answer();
  t.like(drive.last, {
    type: 'order.fail',
    body: {
      status: 'failed',
      failure: { reason: 'insufficient_funds', step: 'hold-funds' },
      payment: { status: 'voided' },
    },
  });
  await drive.answer();
  t.like(drive.last, {
    type: 'notify.send',
    body: { outcome: 'failed', reason: 'insufficient_funds', to: details.email },
  });
  t.is(drive.timeline().state, 'undoing');
  await drive.answer();
  t.is(drive.timeline().state, 'failed');
});

for (const [step, reply, voided, payment] of [
  ['create-payment', 'refused', {}, undefined],
  ['create-payment', 'too-late', {}, undefined],
  ['capture-funds', 'refused', {}, { status: 'voided' }],
  ['settle-payment', 'refused', {}, { status: 'voided' }],
  ['settle-payment', 'too-late', { status: 'refunded' }, { status: 'refunded' }],
  ['settle-payment', 'too-late', { status: 'voided' }, { status: 'voided' }],
  ['arrange-delivery', 'refused', {}, { status: 'refunded' }],
] as const) {
  test(`${step} ${reply}, a void that answers ${JSON.stringify(voided)}: the order is told ${JSON.stringify(payment)}`, async (t) => {
    const drive = driveSaga();
    await drive.goTo(step);
    await drive.answer(reply);
    while (drive.last.type !== 'order.fail')
      await drive.answer('done', drive.last, drive.last.type === 'payment.void' ? voided : {});
    t.deepEqual(drive.last.body['payment'], payment);
  });
}

test('a dispatch that cannot be withdrawn any more completes the saga, nothing is undone', async (t) => {
  const drive = driveSaga();
  await drive.goTo('record-dispatch');
  while (drive.state?.phase === 'running') await drive.passDue();
  t.is(drive.last.type, 'order.withdraw-dispatch');
  t.deepEqual(await drive.answer('done', drive.last, { completed: true }), []);
  const timeline = drive.timeline();
  t.is(timeline.state, 'completed');
  t.deepEqual(timeline.compensations, []);
  t.is(timeline.failure, undefined);
  t.true(timeline.steps.every(({ state }) => state === 'done'));
});

test('the mail about the failure is tried for as long as a saga may take, then the saga ends without it', async (t) => {
  const drive = driveSaga();
  await drive.goTo('create-payment');
  await drive.answer('refused');
  while (drive.state?.phase === 'undoing') await drive.answer();
  const from = drive.now;
  while (drive.state?.phase === 'closing') await drive.passDue();
  t.is(drive.now - from, timing.sagaDeadlineMs);
  t.is(drive.timeline().state, 'failed');
  t.is(drive.timeline().steps.at(-1)?.state, 'timed-out');
});

test('an order needs the payment, the order and the wallet up to its capture, but no delivery', (t) => {
  t.deepEqual(routesBeforeNoReturn(placeOrder3), ['payment', 'order', 'wallet']);
  const routes = routesBeforeNoReturn(placeOrder);
  t.true(['payment', 'order', 'wallet'].every((route) => routes.includes(route)));
  t.false(routes.includes('delivery') || routes.includes('notify'));
});

test('what is stored of a happy order stays small', async (t) => {
  const drive = driveThird();
  await drive.place();
  let largest = 0;
  while (drive.state?.phase === 'running') {
    largest = Math.max(largest, JSON.stringify(drive.state).length);
    await drive.answer();
  }
  const atEnd = JSON.stringify(drive.state).length;
  t.log(`largest ${largest} bytes, at its end ${atEnd} bytes`);
  t.true(largest < 1600);
  t.true(atEnd < 1100);
});
