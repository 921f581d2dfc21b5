import test from 'ava';
import { driveSaga } from './drive.ts';
import { details } from './cases.ts';
import { progressOf } from '#services/saga/progress.ts';
import { placeOrder } from '#services/saga/place-order-versions.ts';
import { maxAttemptsOf } from '#shared/saga/definition.ts';

const TRIES = maxAttemptsOf(placeOrder);

test('an order whose saga has not begun, runs or has ended without a refusal is at its first try', async (t) => {
  t.like(progressOf(undefined, TRIES), { attempt: 1 });
  const drive = driveSaga();
  await drive.place();
  t.like(progressOf(drive.state, TRIES), { attempt: 1 });
  await drive.goOn();
  t.deepEqual(progressOf(drive.state, TRIES), progressOf(undefined, TRIES));
});

test('each refusal that is tried again is one more try, and the time of the next one is told until it begins', async (t) => {
  const steps = placeOrder.steps.map((step) =>
    step.kind === 'command' && step.name === 'hold-funds'
      ? { ...step, retries: { times: 2, delayMs: 5000, between: 'hold' as const } }
      : step,
  );
  const definition = { ...placeOrder, steps, version: 99 };
  const drive = driveSaga({ definitions: [definition] });
  await drive.goTo('hold-funds');
  await drive.answer('refused');
  t.is(progressOf(drive.state, TRIES).attempt, 1);
  t.is(progressOf(drive.state, TRIES).nextTryAt, new Date(drive.now + 5000).toISOString());
  await drive.pass(5000);
  t.deepEqual(progressOf(drive.state, TRIES).nextTryAt, undefined);
  t.is(progressOf(drive.state, TRIES).attempt, 2);
  t.is(drive.last.id, `${details.orderId}:hold-funds#2:do`);
});

test('a refusal that is not tried again is no try', async (t) => {
  const drive = driveSaga();
  await drive.goTo('hold-funds');
  await drive.answer('refused');
  await drive.goOn();
  t.is(progressOf(drive.state, TRIES).attempt, 1);
});
