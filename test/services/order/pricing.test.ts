import test from 'ava';
import { priced } from '#services/order/pricing.ts';
import { totalOf } from '#services/order/total.ts';
import type { Money } from '#services/money.ts';
import type { Problem } from '#shared/web/problems.ts';

const eur = (amount: number): Money => ({ amount, currency: 'EUR' });
const usd = (amount: number): Money => ({ amount, currency: 'USD' });
const prices = new Map([
  ['tea', eur(890)],
  ['sticker', eur(0)],
  ['postcard', usd(150)],
]);

test('a line costs what the catalogue says, stated or not, free goods too', (t) => {
  const asked = [
    { sku: 'tea', quantity: 2 },
    { sku: 'sticker', quantity: 1 },
    { sku: 'tea', quantity: 1, unitPrice: eur(890) },
  ];
  const items = priced(asked, prices);
  t.deepEqual(
    items.map(({ unitPrice }) => unitPrice),
    [eur(890), eur(0), eur(890)],
  );
  t.deepEqual(totalOf(items, asked), eur(2670));
});

test('every line of an unknown product is named, and no stated price then matters', (t) => {
  const asked = [
    { sku: 'nothing', quantity: 1 },
    { sku: 'tea', quantity: 1, unitPrice: eur(1) },
    { sku: 'nowhere', quantity: 1, unitPrice: eur(1) },
  ];
  const problem = t.throws<Problem>(() => priced(asked, prices));
  t.is(problem.slug, 'unknown-product');
  t.is(problem.status, 422);
  const errors = problem.members['errors'] as readonly { readonly pointer: string }[];
  t.deepEqual(
    errors.map(({ pointer }) => pointer),
    ['/items/0/sku', '/items/2/sku'],
  );
});

test('every line whose price is not the stated one is told with both, in amount or in currency', (t) => {
  const asked = [
    { sku: 'tea', quantity: 1, unitPrice: eur(1) },
    { sku: 'tea', quantity: 1 },
    { sku: 'postcard', quantity: 1, unitPrice: eur(150) },
  ];
  const problem = t.throws<Problem>(() => priced(asked, prices));
  t.is(problem.slug, 'price-changed');
  t.is(problem.status, 409);
  t.like(problem.members, { sku: 'tea', stated: eur(1), current: eur(890) });
  t.like(problem.members['errors'], [
    { pointer: '/items/0/unitPrice', stated: eur(1), current: eur(890) },
    { pointer: '/items/2/unitPrice', stated: eur(150), current: usd(150) },
  ]);
});

test('currencies that differ are told at the line, and at its price only where that was stated', (t) => {
  const pointerOf = (stated: Partial<Record<'unitPrice', Money>>) => {
    const asked = [
      { sku: 'tea', quantity: 1 },
      { sku: 'postcard', quantity: 1, ...stated },
    ];
    const problem = t.throws<Problem>(() => totalOf(priced(asked, prices), asked));
    t.is(problem.slug, 'validation');
    return (problem.members['errors'] as readonly { readonly pointer: string }[])[0]?.pointer;
  };
  t.is(pointerOf({}), '/items/1');
  t.is(pointerOf({ unitPrice: usd(150) }), '/items/1/unitPrice/currency');
});
