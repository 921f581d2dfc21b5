/** Steps that wait for the same run side by side; what is undone is the reverse of what happened. */
import test from 'ava';
import { details } from './cases.ts';
import { wide } from './wide.ts';
import { driveSaga, timing } from './drive.ts';
import { definitions, placeOrder2 } from '#services/saga/place-order-versions.ts';

type Drive = ReturnType<typeof driveSaga>;
const commandOf = (drive: Drive, step: string) => drive.sent.find(({ id }) => id === `${details.orderId}:${step}:do`)!;
const answer = (drive: Drive, step: string, reply: 'done' | 'refused' | 'too-late' = 'done') =>
  drive.answer(reply, commandOf(drive, step));
const outstanding = (drive: Drive): string[] => drive.outstanding().map(({ type }) => type);

test('a step is sent as soon as what it waits for is done, whatever else is outstanding', async (t) => {
  const drive = driveSaga({ definitions: [wide] });
  await drive.place();
  t.deepEqual(outstanding(drive), ['payment.create', 'wallet.hold', 'delivery.dispatch']);
  await answer(drive, 'arrange-delivery');
  t.deepEqual(outstanding(drive), ['payment.create', 'wallet.hold']);
  await answer(drive, 'create-payment');
  t.deepEqual(outstanding(drive), ['wallet.hold', 'notify.send']);
  await answer(drive, 'notify-customer');
  t.deepEqual(outstanding(drive), ['wallet.hold']);
  await answer(drive, 'hold-funds');
  t.deepEqual(outstanding(drive), ['order.record-dispatch']);
  await answer(drive, 'record-dispatch');
  t.is(drive.timeline().state, 'completed');
  t.is(new Set(drive.sent.map(({ id }) => id)).size, drive.sent.length, 'each once');
});

for (const order of [
  ['create-payment', 'hold-funds', 'arrange-delivery'],
  ['arrange-delivery', 'create-payment', 'hold-funds'],
  ['hold-funds', 'arrange-delivery', 'create-payment'],
]) {
  test(`done in the order ${order.join(', ')}: undone in the reverse of it, and told in it`, async (t) => {
    const drive = driveSaga({ definitions: [wide] });
    await drive.place();
    for (const step of order) {
      await drive.pass(5);
      await answer(drive, step);
    }
    await drive.goOnWithout('notify-customer');
    const { compensations, steps } = drive.timeline();
    const undone = ['notify-customer', ...order.toReversed(), 'initialise-order'];
    t.deepEqual(
      compensations.map(({ step }) => step),
      undone.filter((step) => step !== 'notify-customer'),
    );
    const times = steps.filter(({ undo }) => undo !== undefined).map(({ answeredAt }) => answeredAt!);
    t.deepEqual(times, times.toSorted(), 'the timeline lists them as they were done');
  });
}

test('one is refused while others are outstanding: those are undone first, as if they had timed out', async (t) => {
  const drive = driveSaga({ definitions: [wide] });
  await drive.place();
  await answer(drive, 'arrange-delivery');
  await answer(drive, 'hold-funds', 'refused');
  t.is(drive.last.type, 'payment.void');
  t.deepEqual(await answer(drive, 'create-payment'), [], 'too late to count');
  await drive.goOn();
  t.deepEqual(
    drive.timeline().compensations.map(({ step }) => step),
    ['create-payment', 'arrange-delivery', 'initialise-order'],
  );
  t.like(drive.timeline().failure, { step: 'hold-funds' });
});

test('each waits for as long as it may: the one that is due is sent again or given up, the others are not', async (t) => {
  const drive = driveSaga({ definitions: [wide] });
  await drive.place();
  await answer(drive, 'hold-funds');
  const { waitingFor } = drive.timeline();
  t.like(waitingFor, { step: 'arrange-delivery', beside: ['create-payment'] });
  await drive.passDue();
  t.is(drive.sent.filter(({ type }) => type === 'delivery.dispatch').length, 2);
  t.is(drive.sent.filter(({ type }) => type === 'payment.create').length, 1);
  const from = drive.now;
  while (drive.state?.phase === 'running') await drive.passDue();
  t.is(drive.now - from, timing.stepDeadlineMs - timing.resend.baseMs);
  t.like(drive.timeline().failure, { step: 'create-payment', reason: 'timed_out' });
});

test('cancelled while several are outstanding: all of them are undone', async (t) => {
  const drive = driveSaga({ definitions: [wide] });
  await drive.place();
  await drive.cancel();
  await drive.goOn();
  t.deepEqual(
    drive.timeline().compensations.map(({ step }) => step),
    ['arrange-delivery', 'hold-funds', 'create-payment', 'initialise-order'],
  );
});

test('parked while several are outstanding: every answer that comes meanwhile is kept', async (t) => {
  const drive = driveSaga({ definitions: [wide] });
  await drive.place();
  drive.restart(definitions);
  for (const step of ['hold-funds', 'create-payment', 'arrange-delivery', 'hold-funds']) await answer(drive, step);
  t.is(drive.state?.phase, 'parked');
  drive.restart([wide]);
  await drive.passDue();
  t.deepEqual(outstanding(drive), ['notify.send']);
  await drive.goOn();
  t.is(drive.timeline().state, 'completed');
});

test('processes of yesterday and of today take turns: every order ends under the road that it began under', async (t) => {
  const yesterday = [placeOrder2];
  for (const first of [yesterday, definitions]) {
    for (const failing of [undefined, 'wallet.hold', 'order.record-dispatch']) {
      const drive = driveSaga({ definitions: first });
      await drive.place();
      const label = drive.timeline().definition;
      for (let turn = 0; drive.state?.phase !== 'ended'; turn += 1) {
        if (turn > 200) throw new Error('it never ends');
        drive.restart(turn % 3 === 0 ? yesterday : definitions);
        if (drive.state?.phase === 'parked') await drive.passDue();
        else await drive.answer(drive.last.type === failing && drive.last.id.endsWith(':do') ? 'refused' : 'done');
      }
      drive.restart(definitions);
      t.is(drive.timeline().definition, label);
      t.is(drive.timeline().state, failing === undefined ? 'completed' : 'failed', `${label} ${failing}`);
    }
  }
});
