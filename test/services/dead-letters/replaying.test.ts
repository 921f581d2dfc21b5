import test from 'ava';
import { buried, deadLettersWorld } from './world.ts';
import { until } from '#test/support/until.ts';
import { release } from '#services/wallet/contract.ts';
import { encode } from '#shared/bus/envelope.ts';
import { dead, gate, partitionQueues } from '#shared/bus/topology/topology.ts';
import { routeTable } from '#services/services.ts';

const RATE_PER_S = 5;

test('a request is published at its rate and not above, however many copies run; each letter once', async (t) => {
  const world = await deadLettersWorld(t);
  const copies = [world.start(), world.start()];
  world.bury(6);
  await world.allAre('dead', 6);
  const { ok } = await world.ask({ kind: 'replay', select: { route: 'wallet' }, ratePerS: RATE_PER_S });
  t.true(ok);
  await world.allAre('replayed', 6);
  const published = copies.flatMap((copy) => copy.published).toSorted((a, b) => a.at - b.at);
  t.is(published.length, 6);
  t.is(new Set(published.map(({ packet }) => packet.messageId)).size, 6);
  const tookMs = (published.at(-1)?.at ?? 0) - (published[0]?.at ?? 0);
  t.true(tookMs >= (5 * 1000) / RATE_PER_S - 20, `5 pauses took ${tookMs} ms`);
});

test('two requests at different rates: the slow one does not hold up the fast one', async (t) => {
  const world = await deadLettersWorld(t);
  world.start();
  world.bury(6);
  const letters = await world.allAre('dead', 6);
  const ids = letters.map(({ _id }) => _id);
  await world.ask({ kind: 'replay', select: { ids: ids.slice(0, 3) }, ratePerS: 0.1 });
  await world.ask({ kind: 'replay', select: { ids: ids.slice(3) }, ratePerS: 100 });
  const states = await until(
    'the fast ones are replayed',
    world.letters,
    (all) => all.filter(({ _id, state }) => ids.indexOf(_id) >= 3 && state === 'replayed').length === 3,
  );
  t.true(states.filter(({ state }) => state === 'replaying').length >= 2, 'the slow ones still wait');
});

test('an open route: commands wait for it to close, undo commands go past it', async (t) => {
  const world = await deadLettersWorld(t);
  const session = await world.gateway.session();
  const { direct, delayed } = gate('wallet');
  await session.unbind(direct);
  await session.unbind(delayed);
  const copy = world.start();
  world.bury(1);
  const undo = encode({
    id: 'undo-1',
    type: release.name,
    key: 'customer-1',
    correlationId: 'o1',
    body: { customerId: 'customer-1', orderId: 'o1', holdId: 'h1', of: 'o1:hold-funds:do' },
    pastGate: true,
  });
  world.broker.put(dead('wallet'), undo);
  await world.allAre('dead', 2);
  await world.ask({ kind: 'replay', select: { route: 'wallet' }, ratePerS: 100 });
  const waiting = await until('the top-up waits for the route', world.letters, (all) =>
    all.some(({ replay }) => replay?.problem === 'the route is open'),
  );
  t.is(waiting.find(({ messageId }) => messageId === 'top-up-1')?.state, 'replaying');
  await until('the undo went past the gate', world.states, (states) => states.includes('replayed'), {
    limitMs: 10_000,
  });
  t.deepEqual(
    copy.published.map(({ exchange }) => exchange),
    ['wallet.hash'],
  );
  await session.bind(delayed);
  await session.bind(direct);
  const [, top] = (await world.allAre('replayed', 2)).toReversed();
  t.is(top?.replay?.problem, undefined);
  t.deepEqual(copy.published.map(({ exchange }) => exchange).toSorted(), ['wallet.hash', 'wallet.in']);
  await session.close();
});

test('what fails again after a replay is dead again, with both failures', async (t) => {
  const world = await deadLettersWorld(t);
  world.start();
  world.bury(1);
  await world.allAre('dead', 1);
  await world.ask({ kind: 'replay', select: { route: 'wallet' } });
  await world.allAre('replayed', 1);
  world.broker.put(
    dead('wallet'),
    buried(1, { 'dead-at': '2026-01-03T00:00:00.000Z', 'dead-reason': 'it broke anew' }),
  );
  const [letter] = await world.allAre('dead', 1);
  t.like(letter, { failureCount: 2, replays: 1, cause: 'it broke anew' });
  t.deepEqual(letter?.firstFailureAt, new Date('2026-01-01T00:00:00.000Z'));
  t.deepEqual(letter?.lastFailureAt, new Date('2026-01-03T00:00:00.000Z'));
});

test('the message arrives as it was sent first, without a trace of its death', async (t) => {
  const world = await deadLettersWorld(t);
  world.start();
  world.broker.put(dead('wallet'), buried(1, { redriven: 3, deadline: 4_102_444_800_000 }));
  await world.allAre('dead', 1);
  await world.ask({ kind: 'replay', select: { cause: 'the wallet of <id> broke' } });
  await world.allAre('replayed', 1);
  const [packet] = partitionQueues(routeTable, 'wallet').flatMap((queue) => world.broker.queue(queue).ready);
  t.deepEqual(packet?.headers, { key: 'customer-1', deadline: 4_102_444_800_000 });
  t.deepEqual(packet?.content, buried(1).content);
  t.is(packet?.messageId, 'top-up-1');
});

test('a broken packet is kept and can be discarded; no selection sends it', async (t) => {
  const world = await deadLettersWorld(t);
  const copy = world.start();
  world.broker.put(dead('wallet'), { content: Buffer.from('{"half":'), headers: { 'dead-reason': 'it is no JSON' } });
  const [letter] = await world.allAre('dead', 1);
  t.truthy(letter?.broken);
  const ids = [letter?._id];
  for (const select of [{ ids }, { route: 'wallet' }, { cause: 'it is no JSON' }])
    t.like(await world.ask({ kind: 'replay', select }), { ok: true, selected: 0 });
  t.like(await world.ask({ kind: 'discard', letter: letter?._id, reason: 'half of nothing' }), {
    ok: true,
    selected: 1,
  });
  const [gone] = await world.letters();
  t.like(gone, { state: 'discarded', discarded: { by: 'root', reason: 'half of nothing' } });
  t.deepEqual(copy.published, []);
});

test('what nobody understands is answered, not obeyed', async (t) => {
  const world = await deadLettersWorld(t);
  world.start();
  t.like(await world.ask({ kind: 'replay', select: {} }), { ok: false });
  t.like(await world.ask({ kind: 'replay', select: { route: 'wallet' }, ratePerS: 1e6 }), { ok: false });
  t.like(await world.ask({ kind: 'burn', select: { route: 'wallet' } }), { ok: false });
  await world.gateway.publish('control', { content: Buffer.from('no JSON'), headers: {} }, 'dead-letters.request');
  t.like(await world.ask({ kind: 'replay', select: { route: 'wallet' } }), { ok: true, selected: 0 });
});
