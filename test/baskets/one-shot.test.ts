import test from 'ava';
import { BUY_ONE_GET_ONE, openMarket, type Priced } from './market.ts';

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
    t.deepEqual(total, { amount: 1122, currency: 'EUR' });
    t.deepEqual(lines, [
      {
        sku: 'GR1',
        quantity: 3,
        unitPrice: { amount: 311, currency: 'EUR' },
        amount: 622,
        strategy: { name: `strategy-${version.slice(0, 8)}`, version },
      },
      {
        sku: 'MF1',
        quantity: 1,
        unitPrice: { amount: 500, currency: 'EUR' },
        amount: 500,
        strategy: { name: 'plain', version: 'plain' },
      },
    ]);
  }
});
