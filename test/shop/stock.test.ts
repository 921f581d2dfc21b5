/** Orders that want the same goods: what is there is sold once, and nothing of a failed order stays reserved. */
import test from 'ava';
import { openShop, RETRY_MS } from './shop.ts';
import { goodAt } from '#test/support/goods.ts';

const good = (sku: string, initialStock: number) => ({ ...goodAt(500, 'EUR', sku), initialStock });

for (const stockBetween of ['hold', 'release'] as const) {
  test(`a hundred orders of one at once on a stock of ten: ten complete, ninety fail, nothing falls below zero (${stockBetween})`, async (t) => {
    const shop = await openShop({ goods: [good('tea', 10)], retrying: { stockBetween } });
    const customers = Array.from({ length: 100 }, (_, n) => `c-${n}`);
    for (const customerId of customers) await shop.topUp(customerId);
    const ids = await shop.place(...customers.map((customerId) => [customerId, ['tea', 1]] as const));
    const orders = await shop.ended(ids);
    t.is(orders.filter(({ status }) => status === 'completed').length, 10);
    const failed = orders.filter(({ status }) => status === 'failed');
    t.is(failed.length, 90);
    t.true(failed.every(({ failure }) => failure?.reason === 'insufficient_stock'));
    t.deepEqual(await shop.level('tea'), [0, 0, 0]);
    t.deepEqual(await shop.wrong(ids), []);
  });
}

test('the same product on two lines counts summed', async (t) => {
  const shop = await openShop({ goods: [good('tea', 3)] });
  await shop.topUp('alice');
  const tooMuch = await shop.place(['alice', ['tea', 2], ['tea', 2]]);
  t.is((await shop.ended(tooMuch))[0]?.status, 'failed');
  t.deepEqual(await shop.level('tea'), [3, 0, 3]);
  const enough = await shop.place(['alice', ['tea', 2], ['tea', 1]]);
  t.is((await shop.ended(enough))[0]?.status, 'completed');
  t.deepEqual(await shop.level('tea'), [0, 0, 0]);
  t.deepEqual(await shop.wrong([...tooMuch, ...enough]), []);
});

test('an order of several products reserves all or none: between its tries and afterwards nothing of it is reserved', async (t) => {
  const shop = await openShop({ goods: [good('tea', 5), good('mug', 5), good('lamp', 0)] });
  await shop.topUp('alice');
  const [id] = await shop.place(['alice', ['tea', 1], ['lamp', 1], ['mug', 2]]);
  await shop.clock.advance(RETRY_MS / 2);
  const waiting = await shop.order(id!);
  t.like(waiting, { status: 'pending', attempt: 1, maxAttempts: 4 });
  t.truthy(waiting.nextTryAt);
  t.deepEqual(
    [await shop.level('tea'), await shop.level('mug')],
    [
      [5, 0, 5],
      [5, 0, 5],
    ],
  );
  t.like((await shop.ended([id!]))[0], { status: 'failed', failure: { reason: 'insufficient_stock' } });
  t.deepEqual(
    [await shop.level('tea'), await shop.level('mug')],
    [
      [5, 0, 5],
      [5, 0, 5],
    ],
  );
  t.is(shop.mailsOf(id!).length, 1);
  t.deepEqual(await shop.wrong([id!]), []);
});

test('short at the first try and restocked before the next: the order completes', async (t) => {
  const shop = await openShop({ goods: [good('tea', 1)] });
  await shop.topUp('alice');
  const [id] = await shop.place(['alice', ['tea', 2]]);
  await shop.clock.advance(RETRY_MS / 2);
  t.truthy((await shop.order(id!)).nextTryAt);
  t.true((await shop.restock('tea', 1)) < 300);
  t.like((await shop.ended([id!]))[0], { status: 'completed', attempt: 2 });
  t.deepEqual(await shop.level('tea'), [0, 0, 0]);
  t.deepEqual(await shop.wrong([id!]), []);
});
