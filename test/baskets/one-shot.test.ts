import test from 'ava';
import { BUY_ONE_GET_ONE, openMarket, type Priced } from './market.ts';

const eur = (amount: number) => ({ amount, currency: 'EUR' });

test('items count together wherever they stand; each line says who computed it, and the lines add up', async (t) => {
  const { priceIn, strategyIn, price } = await openMarket();
  await priceIn('1', 'GR1', 311);
  await priceIn('1', 'MF1', 500);
  const version = await strategyIn('1', 'GR1', BUY_ONE_GET_ONE);
  const shuffled = [
    ['GR1', 'MF1', 'GR1', { sku: 'GR1', quantity: 1 }],
    [
      { sku: 'GR1', quantity: 3 },
      { sku: 'MF1', quantity: 1 },
    ],
  ];
  for (const items of shuffled) {
    const { status, body } = await price(1, 'alice', items);
    t.is(status, 200, JSON.stringify(body));
    const { total, lines } = body as Priced;
    t.deepEqual(total, eur(1122));
    const strategy = { name: `strategy-${version.slice(0, 8)}`, version };
    const plain = { name: 'plain', version: 'plain' };
    t.deepEqual(lines, [
      { sku: 'GR1', quantity: 3, unitPrice: eur(311), amount: 622, strategy },
      { sku: 'MF1', quantity: 1, unitPrice: eur(500), amount: 500, strategy: plain },
    ]);
  }
});

test('an empty basket costs nothing, in the currency of the supermarket', async (t) => {
  const { priceIn, price } = await openMarket();
  await priceIn('north', 'GR1', 311, 'CHF');
  t.like((await price('north', 7, [])).body, { total: { amount: 0, currency: 'CHF' }, lines: [] });
  t.like((await price('elsewhere', 7, [])).body, { total: eur(0), lines: [] });
});

test('a supermarket’s price counts before the catalogue’s, and a price that was changed is in the next basket', async (t) => {
  const { door, priceIn, price, town } = await openMarket();
  const product = { sku: 'SR1', name: 'Strawberries', price: eur(500) };
  await door.answered('POST', '/v1/products', { body: product });
  const amounts = async () =>
    Promise.all(['north', 'south'].map(async (id) => ((await price(id, 'a', ['SR1'])).body as Priced).total.amount));
  t.deepEqual(await amounts(), [500, 500]);
  await priceIn('north', 'SR1', 450);
  t.deepEqual(await amounts(), [450, 500]);
  const changed = await door.answered('PUT', '/v1/products/SR1', {
    body: { ...product, price: eur(480) },
    ifMatch: '*',
  });
  t.is(changed.status, 200);
  t.deepEqual(await amounts(), [450, 480]);
  await door.answered('DELETE', '/v1/supermarkets/north/prices/SR1');
  t.deepEqual(await amounts(), [480, 480]);
  t.deepEqual((await door.answered('GET', '/v1/supermarkets')).body, { items: [{ id: 'north' }] });
  t.is([...town.homes.get('basket')!.store.documents].length, 0, 'one-shot baskets leave no document');
});

test('what is unknown is named, whatever it is called, and no total is given', async (t) => {
  const { priceIn, price } = await openMarket();
  await priceIn('north', 'GR1', 311);
  const long = 'x'.repeat(300);
  for (const sku of ['gr1', '__proto__', 'constructor', '../x', '🥝', long, '', 'a\nb', 'GR1 ', 0, 'plain']) {
    const { status, body } = await price('north', 'alice', ['GR1', sku]);
    t.is(status, 422, JSON.stringify(body));
    t.like(body, { type: '/problems/unknown-product', sku: String(sku) });
    t.false('total' in (body as object) || 'lines' in (body as object));
  }
  const all = await price('north', 'alice', ['a', 'GR1', 'b']);
  t.deepEqual((all.body as { skus: unknown }).skus, ['a', 'b']);
});

test('what is no basket is refused field by field', async (t) => {
  const { price, priceIn } = await openMarket();
  await priceIn('north', 'GR1', 311);
  await priceIn('north', 'US1', 100, 'USD');
  const bad = [
    [[{ sku: 'GR1', quantity: 0 }]],
    [[{ sku: 'GR1', quantity: 1.5 }]],
    [[{ sku: 'GR1' }]],
    [[null]],
    [[1.5]],
    [[{ sku: 'GR1', quantity: 1, price: 1 }]],
    [['GR1', 'US1']],
    [
      [
        { sku: 'GR1', quantity: 1_000_000 },
        ...Array.from({ length: 100 }, () => ({ sku: 'GR1', quantity: 1_000_000 })),
      ],
    ],
  ];
  for (const [items] of bad) {
    const { status, body } = await price('north', 'alice', items!);
    t.is(status, 400, JSON.stringify(items).slice(0, 100));
    t.like(body, { type: '/problems/validation' });
  }
  t.is((await price('a/b', 'alice', [])).status, 400);
});

test('a customer asks for itself alone, an operator for everybody', async (t) => {
  const { door, priceIn } = await openMarket();
  await priceIn('north', 'GR1', 311);
  const body = { supermarketId: 'north', userId: 'alice', items: ['GR1'] };
  t.is((await door.answered('POST', '/v1/baskets/price', { as: 'alice', body })).status, 200);
  t.is((await door.answered('POST', '/v1/baskets/price', { as: 'bob', body })).status, 403);
  for (const path of ['/v1/baskets/north/alice', '/v1/baskets/north/alice/items/GR1'])
    t.is((await door.answered('DELETE', path, { as: 'bob' })).status, 403);
});

test('ten thousand items of three products are three lines', async (t) => {
  const { priceIn, price } = await openMarket();
  for (const sku of ['A', 'B', 'C']) await priceIn('north', sku, 7);
  const items = Array.from({ length: 10_000 }, (_, n) => ['A', 'B', 'C'][n % 3]);
  const { body } = await price('north', 'alice', items);
  t.deepEqual(
    (body as Priced).lines.map(({ quantity, amount }) => [quantity, amount]),
    [
      [3334, 23_338],
      [3333, 23_331],
      [3333, 23_331],
    ],
  );
  t.is((body as Priced).total.amount, 70_000);
});
