import test from 'ava';
import fc from 'fast-check';
import { Problem } from '#shared/web/problems.ts';
import { totalOf } from '#services/order/total.ts';
import { MAX_AMOUNT_MINOR } from '#services/money.ts';

const eur = (amount: number, quantity = 1) => ({ sku: 's', quantity, unitPrice: { amount, currency: 'EUR' } as const });

test('the total is exact, or refused when it is above the limit', (t) => {
  const items = fc.array(
    fc.record({
      amount: fc.integer({ min: 1, max: MAX_AMOUNT_MINOR }),
      quantity: fc.integer({ min: 1, max: 1_000_000 }),
    }),
    { minLength: 1, maxLength: 100 },
  );
  fc.assert(
    fc.property(items, (list) => {
      const exact = list.reduce((sum, { amount, quantity }) => sum + BigInt(amount) * BigInt(quantity), 0n);
      try {
        return BigInt(totalOf(list.map(({ amount, quantity }) => eur(amount, quantity))).amount) === exact;
      } catch (error) {
        return error instanceof Problem && exact > BigInt(MAX_AMOUNT_MINOR);
      }
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('the limit itself is allowed, one more is not', (t) => {
  t.deepEqual(totalOf([eur(MAX_AMOUNT_MINOR - 1), eur(1)]), { amount: MAX_AMOUNT_MINOR, currency: 'EUR' });
  t.throws(() => totalOf([eur(MAX_AMOUNT_MINOR), eur(1)]), { instanceOf: Problem });
});
