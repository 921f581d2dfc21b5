/** A payment that fails is tried again, under either policy for the stock in between. */
import test from 'ava';
import { decliningFirst, openShop, RETRY_MS } from './shop.ts';
import { goodAt } from '#test/support/goods.ts';

const tea = { ...goodAt(500, 'EUR', 'tea'), initialStock: 5 };
const TRIES = 4;

for (const stockBetween of ['hold', 'release'] as const) {
  for (const times of [0, 1, 2, 3]) {
    test(`${stockBetween}: declined ${times} times, the order completes at try ${times + 1}; one reservation in the end`, async (t) => {
      const shop = await openShop({ goods: [tea], retrying: { stockBetween }, provider: decliningFirst(times) });
      await shop.topUp('alice', 10_000);
      const [id] = await shop.place(['alice', ['tea', 2]]);
      const [order] = await shop.ended([id!]);
      t.like(order, { status: 'completed', attempt: times + 1, maxAttempts: TRIES });
      const kinds = shop.booked('tea').map(({ kind }) => kind);
      const between = stockBetween === 'hold' ? 0 : times;
      t.is(kinds.filter((kind) => kind === 'reserved').length, 1 + between);
      t.is(kinds.filter((kind) => kind === 'released').length, between);
      t.deepEqual(await shop.level('tea'), [3, 0, 3]);
      t.is((await shop.log(id!)).at(-1), 'processed');
      t.is(shop.mailsOf(id!).length, 1);
      t.deepEqual(await shop.wrong([id!]), []);
    });
  }

  test(`${stockBetween}: declined at every try, the order fails; stock and money are as before, what was reserved is released, one mail`, async (t) => {
    const shop = await openShop({ goods: [tea], retrying: { stockBetween }, provider: decliningFirst(TRIES) });
    await shop.topUp('alice', 10_000);
    const [id] = await shop.place(['alice', ['tea', 2]]);
    t.like((await shop.ended([id!]))[0], { status: 'failed', failure: { reason: 'card_declined' }, attempt: TRIES });
    t.deepEqual(await shop.level('tea'), [5, 0, 5]);
    const reserved = shop.booked('tea', 'reserved').length;
    t.is(reserved, stockBetween === 'hold' ? 1 : TRIES);
    t.is(shop.booked('tea', 'released').length, reserved);
    const wallet = await shop.answered<{ available: object; held: object }>('GET', '/v1/wallets/alice');
    t.like(wallet.body, { available: { amount: 10_000 }, held: { amount: 0 } });
    const log = await shop.log(id!);
    t.true(log.includes('released'), log.join());
    t.is(log.at(-1), 'failed');
    t.is(shop.mailsOf(id!).length, 1);
    t.deepEqual(await shop.wrong([id!]), []);
  });

  test(`${stockBetween}: between two tries the order says which is next and when, and the stock is ${stockBetween === 'hold' ? 'kept' : 'given back'}; a cancel is at once`, async (t) => {
    const shop = await openShop({ goods: [tea], retrying: { stockBetween }, provider: decliningFirst(TRIES) });
    await shop.topUp('alice', 10_000);
    const [id] = await shop.place(['alice', ['tea', 2]]);
    await shop.clock.advance(RETRY_MS / 2);
    const waiting = await shop.order(id!);
    t.like(waiting, { status: 'pending', attempt: 1, maxAttempts: TRIES });
    t.true(Date.parse(waiting.nextTryAt!) > shop.clock.now());
    t.deepEqual(await shop.level('tea'), stockBetween === 'hold' ? [5, 2, 3] : [5, 0, 5]);
    t.true([200, 202].includes((await shop.answered('POST', `/v1/orders/${id}/cancel`, { body: {} })).status));
    const [cancelled] = await shop.ended([id!]);
    t.is(cancelled?.status, 'cancelled');
    t.true(cancelled!.updatedAt < waiting.nextTryAt!, 'it did not wait for the next try');
    t.deepEqual(await shop.level('tea'), [5, 0, 5]);
    t.deepEqual(await shop.wrong([id!]), []);
  });
}

test('an order is answered before its payment takes any time, and its status moves later', async (t) => {
  const slow = 2000;
  let wait: (ms: number) => Promise<void> = async () => {};
  const shop = await openShop({
    goods: [tea],
    provider: (usual) => ({ ...usual, authorize: async (request) => (await wait(slow), usual.authorize(request)) }),
  });
  wait = (ms) => shop.clock.sleep(ms);
  await shop.topUp('alice', 10_000);
  const before = shop.clock.now();
  const [id] = await shop.place(['alice', ['tea', 1]]);
  t.true(shop.clock.now() - before < 1000);
  await shop.clock.advance(slow / 2);
  t.is((await shop.order(id!)).status, 'pending');
  t.is((await shop.ended([id!]))[0]?.status, 'completed');
  t.true(shop.clock.now() - before >= slow);
});
