import test from 'ava';
import { createSlots } from '#shared/slots.ts';

test('no more than the limit are taken at once; a released slot goes to the one that has waited longest', async (t) => {
  const slots = createSlots(2);
  t.true(slots.tryTake());
  t.true(slots.tryTake());
  t.false(slots.tryTake());
  const served: string[] = [];
  const first = slots.wait().then((taken) => served.push(`first ${taken}`));
  const second = slots.wait().then((taken) => served.push(`second ${taken}`));
  slots.release();
  await first;
  t.deepEqual(served, ['first true']);
  t.is(slots.taken, 2);
  slots.release();
  await second;
  t.deepEqual(served, ['first true', 'second true']);
  t.is(slots.taken, 2);
});

test('those that wait when they are refused get no slot, and the taken ones stay taken', async (t) => {
  const slots = createSlots(1);
  t.true(slots.tryTake());
  const waiting = slots.wait();
  slots.refuseWaiting();
  t.false(await waiting);
  t.is(slots.taken, 1);
});

test('idle resolves when the last slot is released', async (t) => {
  const slots = createSlots(2);
  await slots.idle();
  t.true(slots.tryTake());
  t.true(slots.tryTake());
  let idle = false;
  const waiting = slots.idle().then(() => (idle = true));
  slots.release();
  await Promise.resolve();
  t.false(idle);
  slots.release();
  await waiting;
  t.true(idle);
});
