import test from 'ava';
import { formatMoney, money, someMoney, MAX_AMOUNT_MINOR } from '#services/money.ts';

for (const [amount, currency, text] of [
  [1299, 'EUR', '12.99 EUR'],
  [5, 'EUR', '0.05 EUR'],
  [0, 'EUR', '0.00 EUR'],
  [100, 'JPY', '100 JPY'],
  [1, 'KWD', '0.001 KWD'],
  [MAX_AMOUNT_MINOR, 'USD', '10000000000.00 USD'],
] as const) {
  test(`${amount} ${currency} is written ${text}`, (t) => {
    t.is(formatMoney({ amount, currency }), text);
  });
}

for (const wrong of [
  { amount: -1, currency: 'EUR' },
  { amount: 1.5, currency: 'EUR' },
  { amount: MAX_AMOUNT_MINOR + 1, currency: 'EUR' },
  { amount: 1, currency: 'XXX' },
  { amount: 1, currency: 'eur' },
  { amount: '1', currency: 'EUR' },
]) {
  test(`${JSON.stringify(wrong)} is no money`, (t) => t.false(money.safeParse(wrong).success));
}

test('nothing is money, but not money that moves', (t) => {
  t.true(money.safeParse({ amount: 0, currency: 'EUR' }).success);
  t.false(someMoney.safeParse({ amount: 0, currency: 'EUR' }).success);
});

test('a field of a newer version is skipped', (t) => {
  t.deepEqual(money.parse({ amount: 1, currency: 'EUR', cents: 1 }), { amount: 1, currency: 'EUR' });
});
