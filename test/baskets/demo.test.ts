import { readFileSync } from 'node:fs';
import test from 'ava';
import { openMarket, type Priced } from './market.ts';
import { demoSupermarkets } from '#local/stack/demo-supermarkets.ts';

const totals: readonly (readonly [items: string, north: number, corner: number])[] = [
  ['GR1,CF1,SR1,CF1,CF1', 311 + 500 + 2246, 345 + 550 + 2397],
  ['GR1,SR1,GR1,GR1,CF1', 622 + 500 + 1123, 3 * 345 + 550 + 1199],
  ['GR1,GR1', 311, 690],
  ['SR1,SR1,GR1,SR1', 1350 + 311, 1350 + 345],
  ['MF1,MF1,CF1,CF1', 1000 + 2246, 1040 + 2398],
  ['CF1,CF1,CF1', 2246, 2397],
];

test('the demo supermarkets sell as their page says, each by its own strategies', async (t) => {
  const { priceIn, strategyIn, price } = await openMarket();
  for (const [id, wares] of Object.entries(demoSupermarkets))
    for (const { sku, price: own, strategy } of wares) {
      await priceIn(id, sku, own.amount);
      if (strategy === undefined) continue;
      await strategyIn(id, sku, readFileSync(`services/pricing/strategies/${strategy.file}`, 'utf8'));
    }
  for (const [items, north, corner] of totals)
    for (const [id, amount] of [
      ['north', north],
      ['south', north],
      ['corner', corner],
    ] as const)
      t.is(((await price(id, 'alice', items.split(','))).body as Priced).total.amount, amount, `${id} ${items}`);
});
