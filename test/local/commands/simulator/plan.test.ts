import test from 'ava';
import fc from 'fast-check';
import { KINDS, planOf, STANDARD_MIX } from '#local/commands/simulator/plan.ts';

const options = fc.record({
  seed: fc.integer({ min: 0, max: 0xffff_ffff }),
  ratePerS: fc.double({ min: 0.5, max: 500, noNaN: true }),
  count: fc.integer({ min: 1, max: 300 }),
  customers: fc.integer({ min: 1, max: 40 }),
});

test('the same options give the same plan', (t) => {
  fc.assert(
    fc.property(options, (wanted) => t.deepEqual(planOf(wanted), planOf(wanted))),
    { numRuns: 50 },
  );
});

test('a longer plan begins with the shorter one', (t) => {
  fc.assert(
    fc.property(options, fc.integer({ min: 0, max: 100 }), (wanted, more) => {
      const longer = planOf({ ...wanted, count: wanted.count + more }).orders.slice(0, wanted.count);
      t.deepEqual(longer, [...planOf(wanted).orders]);
    }),
    { numRuns: 50 },
  );
});

test('the mix moves no customer, and the rate only the times', (t) => {
  fc.assert(
    fc.property(options, (wanted) => {
      const who = (plan: ReturnType<typeof planOf>) => plan.orders.map(({ customerId }) => customerId);
      t.deepEqual(who(planOf({ ...wanted, mix: { ok: 1 } })), who(planOf(wanted)));
      const timeless = (ratePerS: number) =>
        planOf({ ...wanted, ratePerS }).orders.map(({ dueMs: _, ...order }) => order);
      t.deepEqual(timeless(1), timeless(100));
    }),
    { numRuns: 50 },
  );
});

test('every customer has the money for all orders that may be paid, and nobody for one of short funds', (t) => {
  fc.assert(
    fc.property(options, (wanted) => {
      const { customers, orders } = planOf(wanted);
      t.is(customers.length, wanted.customers);
      const funds = new Map(customers.map(({ id, fundsMinor }) => [id, fundsMinor]));
      t.true(customers.every(({ fundsMinor }) => Number.isSafeInteger(fundsMinor) && fundsMinor > 0));
      for (const { customerId, kind, amountMinor } of orders) {
        const before = funds.get(customerId)!;
        t.true(Number.isSafeInteger(amountMinor) && amountMinor > 0);
        if (kind === 'short_funds') t.true(amountMinor > before);
        else funds.set(customerId, before - amountMinor);
      }
      t.true([...funds.values()].every((left) => left >= 0));
    }),
    { numRuns: 50 },
  );
});

test('orders are due at the rate, in order', (t) => {
  const { orders } = planOf({ seed: 7, ratePerS: 50, count: 3000, customers: 20 });
  t.is(orders[0]!.dueMs, 0);
  t.is(orders.at(-1)!.dueMs, 59_980);
  t.true(orders.every(({ n, dueMs }, index) => n === index + 1 && dueMs === index * 20));
});

test('the kinds come as often as the mix says, and other seeds give other orders', (t) => {
  const { orders } = planOf({ seed: 7, ratePerS: 50, count: 50_000, customers: 20 });
  const total = KINDS.reduce((sum, kind) => sum + (STANDARD_MIX[kind] ?? 0), 0);
  for (const kind of KINDS) {
    const share = orders.filter((order) => order.kind === kind).length / orders.length;
    const expected = (STANDARD_MIX[kind] ?? 0) / total;
    t.true(Math.abs(share - expected) < 0.006, `${kind}: ${share}, expected ${expected}`);
    t.is(share > 0, expected > 0, kind);
  }
  t.notDeepEqual(planOf({ seed: 8, ratePerS: 50, count: 50_000, customers: 20 }).orders, orders);
  t.is(new Set(orders.map(({ customerId }) => customerId)).size, 20);
  t.true(orders.every(({ kind, cancelAfterMs }) => (kind === 'cancelled') === (cancelAfterMs !== undefined)));
});
