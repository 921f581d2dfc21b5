import test from 'ava';
import { details } from './cases.ts';
import { driveSaga, timing } from './drive.ts';
import { askedSteps, defineSaga, labelOf, type Definition } from '#shared/saga/definition.ts';
import {
  definitions,
  placeOrder,
  placeOrder1,
  placeOrder2,
  placeOrder3,
  runByThoseWhoDoNotSay,
} from '#services/saga/place-order-versions.ts';
import { sagaEntity } from '#services/saga/saga.ts';
import { silentLog, type Log } from '#shared/log.ts';

const newest = labelOf(definitions[0]);
/** Where the exact story is the point, it is told of one version by name: a new one changes none of it. */
const driveThird = () => driveSaga({ definitions: [placeOrder3] });

const changed: Definition = {
  ...placeOrder3,
  version: 99,
  steps: placeOrder3.steps.filter(({ name }) => name !== 'attach-payment'),
};

function errorsIn(lines: string[]): Log {
  return { ...silentLog, error: (text) => void lines.push(text) };
}

test('a new order takes the newest road that all copies of the saga can run', async (t) => {
  const begun = async (isRunByAll?: (label: string) => boolean): Promise<unknown> => {
    const drive = driveSaga({ definitions, ...(isRunByAll && { isRunByAll }) });
    await drive.place();
    return drive.state?.phase === 'running' ? labelOf(drive.state.definition) : drive.state;
  };
  t.is(await begun(), newest);
  t.is(await begun((label) => label !== newest), labelOf(definitions[1]));
  t.is(await begun((label) => runByThoseWhoDoNotSay.includes(label)), 'place-order@3');
});

test('a second order.placed changes nothing, not even after the end', async (t) => {
  const drive = driveSaga();
  await drive.place();
  await drive.answer();
  const before = drive.state;
  t.deepEqual(await drive.place({ total: { amount: 1, currency: 'EUR' } }), []);
  t.deepEqual(drive.state, before);
  await drive.goOn();
  t.deepEqual(await drive.place(), []);
  t.is(drive.timeline().state, 'completed');
});

test('of the items of an order the saga keeps each sku once, for the delivery', async (t) => {
  const drive = driveSaga();
  const items = Array.from({ length: 10_000 }, () => details.items[0]!);
  await drive.place({ items });
  t.true(JSON.stringify(drive.state).length < 1000);
  while (drive.last.type !== 'delivery.dispatch') await drive.answer();
  t.deepEqual(drive.last.body['items'], [{ sku: 'book', quantity: 20_000 }]);
});

test('cancelling an unknown order is refused, and the order can still be placed', async (t) => {
  const drive = driveThird();
  t.like((await drive.cancel())[0], { type: 'saga.cancel-refused', body: { reason: 'unknown_order' } });
  await drive.place();
  t.is(drive.last.type, 'payment.create');
});

test('cancelling an order that is being undone for another reason is refused', async (t) => {
  const drive = driveThird();
  await drive.goTo('authorize-payment');
  await drive.answer('refused');
  t.like((await drive.cancel())[0], { type: 'saga.cancel-refused', body: { reason: 'too_late' } });
  await drive.goOn();
  t.is(drive.timeline().state, 'failed');
});

test('a wake before its time, and one after the end, change nothing', async (t) => {
  const drive = driveSaga();
  await drive.goTo('hold-funds');
  const before = drive.state;
  await drive.pass(timing.stepDeadlineMs - 1);
  t.deepEqual(await drive.wake(), []);
  t.deepEqual(drive.state, before);
  await drive.goOn();
  t.deepEqual(await drive.wake(), []);
});

for (const old of [placeOrder2, placeOrder1]) {
  test(`new orders start under the first definition, open ones of version ${old.version} go on under theirs`, async (t) => {
    const drive = driveSaga({ definitions: [old] });
    await drive.goTo('create-payment');
    drive.restart(definitions);
    await drive.answer();
    t.is(drive.last.type, 'order.attach-payment');
    await drive.goOn();
    t.is(drive.timeline().definition, `place-order@${old.version}`);
    t.is(drive.timeline().state, 'completed');

    const other = driveSaga({ definitions });
    await other.place();
    t.is(other.timeline().definition, newest);
  });
}

test('an order that began before there were deliveries ends without one, and without what a delivery needs', async (t) => {
  for (const turnsBackAt of [undefined, 'notify-customer']) {
    const drive = driveSaga({ definitions: [placeOrder1] });
    await drive.goTo('create-payment');
    drive.restart(definitions);
    drive.strip('parcel');
    for (let answers = 0; answers < 30 && drive.state?.phase !== 'ended'; answers += 1)
      await drive.answer(drive.last.id.endsWith(`:${turnsBackAt}:do`) ? 'refused' : 'done');
    t.is(drive.timeline().definition, 'place-order@1');
    t.is(drive.timeline().state, turnsBackAt === undefined ? 'completed' : 'failed');
    t.false(drive.sent.some(({ type }) => type.startsWith('delivery.')));
    t.false(drive.timeline().steps.some(({ name }) => name === 'arrange-delivery'));
  }
  const next = driveSaga({ definitions });
  await next.place();
  await next.goOn();
  t.is(next.timeline().definition, newest);
  t.true(next.sent.some(({ type }) => type === 'delivery.dispatch'));
});

test('a saga of a definition that this process has not is parked, loudly, and goes on where it is known', async (t) => {
  const errors: string[] = [];
  const drive = driveSaga({ definitions: [changed], log: errorsIn(errors) });
  await drive.goTo('hold-funds');
  drive.restart([placeOrder]);
  t.deepEqual(await drive.answer('done', drive.last), []);
  t.is(drive.state?.phase, 'parked');
  t.deepEqual(errors, ['saga parked']);
  t.like(drive.timeline().waitingFor, { step: 'hold-funds', reason: 'no definition place-order@99 in this process' });
  t.is(drive.timeline().state, 'parked');
  t.like((await drive.cancel())[0], { type: 'saga.cancel-refused', body: { reason: 'parked' } });
  await drive.passDue();
  t.deepEqual(errors, ['saga parked', 'saga is still parked']);

  drive.restart([placeOrder, changed]);
  await drive.passDue();
  t.is(drive.last.type, 'payment.authorize', 'the answer that came meanwhile was kept');
  await drive.goOn();
  t.is(drive.timeline().state, 'completed');
});

test('a parked saga whose step was not answered meanwhile undoes it', async (t) => {
  const drive = driveSaga({ definitions: [changed] });
  await drive.goTo('hold-funds');
  drive.restart([placeOrder]);
  await drive.passDue();
  t.is(drive.state?.phase, 'parked');
  drive.restart([changed]);
  await drive.passDue();
  t.is(drive.last.type, 'wallet.release');
});

test('the timeline says what the order waits for', async (t) => {
  const drive = driveThird();
  await drive.goTo('hold-funds');
  const sentAt = new Date(drive.now).toISOString();
  const until = new Date(drive.now + timing.stepDeadlineMs).toISOString();
  await drive.pass(1000);
  t.deepEqual(drive.timeline().waitingFor, {
    step: 'hold-funds',
    message: 'wallet.hold',
    since: sentAt,
    attempt: 1,
    until,
  });
  const unsent = [{ id: drive.last.id, reason: 'returned', attempts: 3, nextTryAt: drive.now + 500 }];
  t.like(drive.timeline(unsent).waitingFor, {
    attempt: 4,
    reason: 'returned',
    nextTryAt: new Date(drive.now + 500).toISOString(),
  });
  await drive.passDue();
  await drive.passDue();
  t.like(drive.timeline().waitingFor, {
    step: 'hold-funds',
    message: 'wallet.release',
    attempt: 2,
    reason: 'no answer to 1 of 2 tries',
    nextTryAt: new Date(drive.now + 10_000).toISOString(),
  });
});

test('the timeline shows the steps in their states and which undo takes back which', async (t) => {
  const drive = driveThird();
  await drive.goTo('capture-funds');
  await drive.passDue();
  const states = (): Record<string, string> =>
    Object.fromEntries(drive.timeline().steps.map(({ name, state }) => [name, state]));
  t.like(states(), { 'capture-funds': 'undoing', 'authorize-payment': 'done', 'settle-payment': 'pending' });
  await drive.answer();
  t.like(states(), { 'capture-funds': 'undone', 'hold-funds': 'undoing', 'create-payment': 'done' });
  await drive.answer();
  t.like(states(), { 'hold-funds': 'undone', 'create-payment': 'undoing', 'authorize-payment': 'undoing' });
  await drive.goOn();
  t.deepEqual(new Set(Object.values(states())), new Set(['undone', 'pending', 'done']));
  t.is(states()['tell-customer'], 'done');
  t.like(
    drive.timeline().steps.find(({ name }) => name === 'authorize-payment'),
    { undoneWith: 'create-payment', number: 6 },
  );
});

test('the messages of a timeline are those that were sent and answered, in order', async (t) => {
  const drive = driveThird();
  await drive.goTo('hold-funds');
  await drive.answer('refused');
  await drive.goOn();
  const messages = drive.timeline().messages;
  t.deepEqual(
    messages.filter(({ direction }) => direction === 'sent').map(({ id, type }) => ({ id, type })),
    drive.sent.map(({ id, type }) => ({ id, type })),
  );
  t.deepEqual(
    messages.filter(({ direction }) => direction === 'received').map(({ type }) => type),
    ['order.placed', 'payment.created', 'wallet.refused', 'payment.voided', 'order.failed', 'notify.sent'],
  );
});

test('definitions that cannot work are refused at start', (t) => {
  const [first, ...rest] = placeOrder3.steps;
  t.throws(() => defineSaga({ ...placeOrder3, steps: [first!, first!, ...rest] }), {
    message: /two steps are called create-payment/,
  });
  t.throws(() => defineSaga({ ...placeOrder3, steps: rest }), {
    message: /no earlier step .* is called create-payment/,
  });
  const [second, third] = askedSteps(placeOrder3);
  t.throws(() => defineSaga({ ...placeOrder3, steps: [{ ...second!, after: [third!.name] }, ...rest] }), {
    message: /create-payment: no earlier step .* is called hold-funds/,
  });
  t.throws(() => defineSaga({ ...placeOrder3, steps: [{ ...second!, after: [] }, ...rest] }), {
    message: /create-payment waits for nothing/,
  });
  t.throws(() => defineSaga({ ...placeOrder3, cancellableBefore: 'no-such' }), {
    message: /no step is called no-such/,
  });
  t.throws(() => sagaEntity([placeOrder3, placeOrder3], { ...timing, log: silentLog }), {
    message: /same name and version/,
  });
});
