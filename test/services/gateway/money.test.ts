import test from 'ava';
import { startWorld, type World } from './world.ts';
import { topUp } from '#services/wallet/contract.ts';

async function inWorld(run: (world: World) => Promise<void>): Promise<void> {
  const world = await startWorld();
  try {
    await run(world);
  } finally {
    await world.stop();
  }
}

const path = '/v1/wallets/alice/top-ups';
const request = {
  as: 'ops',
  role: 'operator',
  body: { amount: 500, currency: 'EUR' },
  headers: { 'idempotency-key': 'k' },
} as const;
const wallet = {
  customerId: 'alice',
  available: { amount: 500, currency: 'EUR' },
  held: { amount: 0, currency: 'EUR' },
};

/** The wallet answers every top-up with this event. */
function answering({ bus, outcomes, wallets }: World, type: string, body: object): void {
  bus.behave(async (_, message) => {
    outcomes.set(message.id, { type, body: { topUpId: message.id, ...body } });
    if (type === 'wallet.topped-up') wallets.set('alice', wallet);
  });
}

test('a top-up that is done answers 201 with the wallet, and the same again under its key', (t) =>
  inWorld(async (world) => {
    answering(world, 'wallet.topped-up', {});
    const reply = await world.call('POST', path, request);
    t.is(reply.status, 201);
    t.like(reply.body, wallet);
    const topUpId = String(reply.body['topUpId']);
    t.is(reply.headers.get('location'), `${path}/${topUpId}`);

    const { exchange, message } = world.bus.published[0]!;
    t.is(exchange, 'wallet.in');
    t.like(message, { type: topUp.name, key: 'alice', id: topUpId });
    t.deepEqual(message.body, { customerId: 'alice', topUpId, amount: { amount: 500, currency: 'EUR' } });
    t.true((message.rememberUntil ?? 0) > Date.now() + 23 * 3_600_000);

    const again = await world.call('POST', path, request);
    t.is(again.status, 201);
    t.deepEqual(again.body, reply.body);
    t.is(again.headers.get('idempotency-replayed'), 'true');
    t.is(world.bus.published.length, 1);
    t.is((await world.call('GET', `${path}/${topUpId}`, { as: 'alice' })).body['state'], 'done');
  }));

test('a top-up that takes long answers 202, and its Location tells how it ended', (t) =>
  inWorld(async ({ call, outcomes, bus }) => {
    const reply = await call('POST', path, request);
    t.is(reply.status, 202);
    t.like(reply.body, { customerId: 'alice', amount: 500, currency: 'EUR', state: 'pending' });
    const location = String(reply.headers.get('location'));
    t.is((await call('GET', location, { as: 'alice' })).body['state'], 'pending');
    const again = await call('POST', path, request);
    t.is(again.status, 202);
    t.deepEqual(again.body, reply.body);
    t.is(bus.published.length, 1);
    const { id } = bus.published[0]!.message;
    outcomes.set(id, { type: 'wallet.top-up-refused', body: { topUpId: id, reason: 'limit_exceeded' } });
    t.like((await call('GET', location, { as: 'alice' })).body, { state: 'refused', reason: 'limit_exceeded' });
    t.is((await call('GET', location.replace('alice', 'bob'), { as: 'bob' })).status, 404);
  }));

test('a top-up in another currency is 409, stores nothing and does not burn its key', (t) =>
  inWorld(async (world) => {
    answering(world, 'wallet.top-up-refused', { reason: 'currency_mismatch' });
    const refused = await world.call('POST', path, request);
    t.is(refused.status, 409);
    t.like(refused.body, { type: '/problems/invalid-transition', reason: 'currency_mismatch' });
    t.deepEqual(world.requests.all(), []);
    answering(world, 'wallet.topped-up', {});
    t.is((await world.call('POST', path, request)).status, 201);
  }));

test('a top-up whose outcome was unknown is settled under the same key by the same id', (t) =>
  inWorld(async (world) => {
    world.bus.fail('outcome-unknown');
    t.is((await world.call('POST', path, request)).status, 504);
    const { resourceId } = world.requests.all()[0]!;
    answering(world, 'wallet.topped-up', {});
    const settled = await world.call('POST', path, request);
    t.is(settled.status, 201);
    t.is(settled.body['topUpId'], resourceId);
    t.is(world.bus.published.length, 1);
  }));

test('a wallet that does not exist is 404, also for its entries', (t) =>
  inWorld(async ({ call, wallets }) => {
    t.is((await call('GET', '/v1/wallets/alice', { as: 'alice' })).status, 404);
    t.is((await call('GET', '/v1/wallets/alice/entries', { as: 'alice' })).status, 404);
    wallets.set('alice', wallet);
    t.deepEqual((await call('GET', '/v1/wallets/alice', { as: 'alice' })).body, wallet);
    t.deepEqual((await call('GET', '/v1/wallets/alice/entries', { as: 'alice' })).body, { items: [] });
  }));

test('names of any letters are customers, also in a Location', (t) =>
  inWorld(async ({ call }) => {
    const reply = await call('POST', `/v1/wallets/${encodeURIComponent('Zoë & 李/2')}/top-ups`, {
      ...request,
    });
    t.is(reply.status, 202);
    t.true(reply.headers.get('location')?.startsWith('/v1/wallets/Zo%C3%AB%20%26%20%E6%9D%8E%2F2/top-ups/'));
  }));
