import test from 'ava';
import { anOrder, startWorld, type World } from './world.ts';
import type { Good } from '#local/stack/demo-catalogue.ts';
import { goodAt } from '#test/support/goods.ts';

/** A catalogue that changes: a test puts other goods into the same list. */
async function inWorld(run: (world: World, shelf: Good[]) => Promise<void>): Promise<void> {
  const shelf = [goodAt(890, 'EUR', 'tea'), goodAt(0, 'EUR', 'sticker'), goodAt(150, 'USD', 'postcard')];
  const world = await startWorld({ goods: shelf });
  try {
    await run(world, shelf);
  } finally {
    await world.stop();
  }
}

const of = (...lines: readonly (readonly [string, number, object?])[]) =>
  anOrder({ items: lines.map(([sku, quantity, unitPrice]) => ({ sku, quantity, ...(unitPrice && { unitPrice }) })) });

test('the price is the catalogue’s at the moment of acceptance, and stays in the order', (t) =>
  inWorld(async ({ order, bus }, shelf) => {
    const first = await order({ body: of(['tea', 2], ['sticker', 1]) });
    t.is(first.status, 202);
    t.deepEqual(first.body['total'], { amount: 1780, currency: 'EUR' });
    shelf[0] = goodAt(990, 'EUR', 'tea');
    const second = await order({ body: of(['tea', 2]) });
    t.deepEqual(second.body['total'], { amount: 1980, currency: 'EUR' });
    const prices = bus.published.map(({ message }) => (message.body as { items: object[] }).items[0]);
    t.like(prices, [{ unitPrice: { amount: 890, currency: 'EUR' } }, { unitPrice: { amount: 990, currency: 'EUR' } }]);
  }));

test('a stated price that is another one is 409 with both; with the current one it is taken under the same key', (t) =>
  inWorld(async ({ order, bus, requests }) => {
    const headers = { 'idempotency-key': 'k' };
    const stale = await order({ headers, body: of(['sticker', 1], ['tea', 1, { amount: 790, currency: 'EUR' }]) });
    t.is(stale.status, 409);
    t.is(stale.body['type'], '/problems/price-changed');
    t.like(stale.body['errors'], [
      {
        pointer: '/items/1/unitPrice',
        stated: { amount: 790, currency: 'EUR' },
        current: { amount: 890, currency: 'EUR' },
      },
    ]);
    t.deepEqual([requests.all(), bus.published], [[], []]);
    const taken = await order({ headers, body: of(['tea', 1, { amount: 890, currency: 'EUR' }]) });
    t.is(taken.status, 202);
  }));

test('a retry of what was taken is answered as it was, whatever the price is now, and when the product is gone', (t) =>
  inWorld(async ({ order, bus }, shelf) => {
    const asked = { headers: { 'idempotency-key': 'k' }, body: of(['tea', 1, { amount: 890, currency: 'EUR' }]) };
    const first = await order(asked);
    shelf[0] = goodAt(990, 'EUR', 'tea');
    const dearer = await order(asked);
    shelf.splice(0);
    const gone = await order(asked);
    for (const again of [dearer, gone]) {
      t.is(again.status, 202);
      t.deepEqual(again.body, first.body);
      t.is(again.headers.get('idempotency-replayed'), 'true');
    }
    t.is(bus.published.length, 1);
    t.is((await order({ body: asked.body })).status, 422, 'without the key it is a new request');
  }));

test('unknown products are 422, all of them at once', (t) =>
  inWorld(async ({ order, requests }) => {
    const reply = await order({ body: of(['gone', 1], ['tea', 1], ['never', 2]) });
    t.is(reply.status, 422);
    t.is(reply.body['type'], '/problems/unknown-product');
    t.like(reply.body['errors'], [{ pointer: '/items/0/sku' }, { pointer: '/items/2/sku' }]);
    t.deepEqual(requests.all(), []);
  }));

test('lines in two currencies are 400, stated or not', (t) =>
  inWorld(async ({ order }) => {
    const reply = await order({ body: of(['tea', 1], ['postcard', 1]) });
    t.is(reply.status, 400);
    t.like(reply.body['errors'], [{ pointer: '/items/1' }]);
  }));

test('a total above the limit is 400 at its line', (t) =>
  inWorld(async ({ order }, shelf) => {
    shelf[0] = goodAt(1_000_000_000_000, 'EUR', 'tea');
    const reply = await order({ body: of(['tea', 2]) });
    t.is(reply.status, 400);
    t.like(reply.body['errors'], [{ pointer: '/items/0' }]);
  }));
