import test from 'ava';
import { driveSaga } from './drive.ts';
import { labelOf } from '#shared/saga/definition.ts';
import { definitions, placeOrder3 } from '#services/saga/place-order-versions.ts';
import { sagaView } from '#services/saga/view.ts';

const [newest] = definitions;

/** As much of a connection as the view uses: one stored document. */
function storing(document: object | null): Parameters<typeof sagaView>[0] {
  return { collection: () => ({ findOne: async () => document }) } as unknown as Parameters<typeof sagaView>[0];
}

test('the timeline of a stored saga has the shape of the API, and the reason why a send waits', async (t) => {
  const drive = driveSaga();
  await drive.goTo('hold-funds');
  const send = { exchange: 'wallet.in', message: drive.last };
  const unsent = [{ send, attempts: 2, reason: 'returned', since: drive.now, nextTryAt: drive.now + 1000 }];
  const timeline = await sagaView(storing({ _id: drive.orderId, version: 4, state: drive.state, unsent })).timeline(
    drive.orderId,
  );
  t.like(timeline, { orderId: drive.orderId, state: 'running', definition: labelOf(newest) });
  t.like(timeline?.waitingFor, { step: 'hold-funds', message: 'wallet.hold', attempt: 3, reason: 'returned' });
  t.is(timeline?.steps.length, newest.steps.length + 1);
  t.like(
    timeline?.steps.find(({ name }) => name === 'create-payment'),
    { name: 'create-payment', number: 2, state: 'done', attempts: 1 },
  );
  t.is(timeline?.steps.at(-1)?.state, 'pending');
});

test('no saga, or only a question about one: no timeline', async (t) => {
  t.is(await sagaView(storing(null)).timeline('o'), undefined);
  t.is(await sagaView(storing({ _id: 'o', version: 1, state: { phase: 'unknown' } })).timeline('o'), undefined);
});

test('an order that was accepted a moment ago waits for its first step', (t) => {
  const timeline = sagaView(storing(null)).notBegun('o', 1_700_000_000_000);
  t.deepEqual(timeline.waitingFor, {
    step: 'initialise-order',
    message: 'order.place',
    since: '2023-11-14T22:13:20.000Z',
    attempt: 1,
  });
  t.is(timeline.state, 'running');
  t.true(timeline.steps.every(({ state }) => state === 'pending'));
});

test('a stored saga of a definition that nobody has any more still shows what happened', async (t) => {
  const drive = driveSaga({ definitions: [placeOrder3] });
  await drive.goTo('hold-funds');
  const state = { ...drive.state, definition: { name: 'place-order', version: 99 } };
  const timeline = await sagaView(storing({ _id: drive.orderId, version: 4, state })).timeline(drive.orderId);
  t.is(timeline?.definition, 'place-order@99');
  t.deepEqual(
    timeline?.steps.map(({ name }) => name),
    ['initialise-order', 'create-payment', 'attach-payment', 'hold-funds'],
  );
});
