/** `npm run simulate -- --checkouts`: the same checkouts for the same seed, each kind with its end, in a town in memory. */
import test from 'ava';
import { townApi } from './town-api.ts';
import { checkoutTown } from '#test/checkout/checkout-town.ts';
import { executing } from '#test/checkout/executing.ts';
import { CHECKOUT_KINDS, checkoutPlanOf, expectedOf } from '#local/commands/simulator/checkout-plan.ts';
import { checkoutReport } from '#local/commands/simulator/checkout-report.ts';
import { simulateCheckouts } from '#local/commands/simulator/checkout-run.ts';
import { areSound, type CheckoutRow, checkoutVerdict } from '#local/commands/simulator/checkout-verdict.ts';
import type { Api } from '#local/commands/api.ts';
import type { Provider } from '#services/payment/provider.ts';
import { createOutside } from '#test/town/outside.ts';

const options = { seed: 7, ratePerS: 10, count: 120, customers: 6 };

test('the same seed plans the same checkouts, a longer plan begins with the shorter one, and every kind is there', (t) => {
  const plan = checkoutPlanOf(options);
  t.deepEqual(checkoutPlanOf(options), plan);
  t.deepEqual(checkoutPlanOf({ ...options, count: 40 }).checkouts, plan.checkouts.slice(0, 40));
  t.notDeepEqual(checkoutPlanOf({ ...options, seed: 8 }).checkouts, plan.checkouts);
  t.deepEqual([...new Set(plan.checkouts.map(({ kind }) => kind))].toSorted(), [...CHECKOUT_KINDS].toSorted());
  const events = new Set(CHECKOUT_KINDS.map((kind) => expectedOf(kind).rejected?.event ?? 'F'));
  t.deepEqual([...events].toSorted(), [...'ABCDEF']);
});

test('each checkout of the plan ends as its kind has to, and so does each order behind one', async (t) => {
  const outside = createOutside(() => 0);
  const authorize: Provider['authorize'] = async ({ method }) =>
    method === 'pm_declined' ? { approved: false, reason: 'card_declined' } : { approved: true };
  const town = await checkoutTown({ ports: { provider: { ...outside.provider, authorize } } });
  const stop = executing(town);
  const rows = await town.clock.during(
    simulateCheckouts({ api: townApi(town.door), plan: checkoutPlanOf(options), clock: town.clock }),
  );
  stop();
  t.is(rows.length, 120);
  const odd = rows.filter((row) => checkoutVerdict(row) !== 'right');
  t.deepEqual(odd, []);
  const text = checkoutReport(7, rows);
  t.regex(text, /approved_declined +\d+ +\d+ approved, order failed \(card_declined\)/);
  t.regex(text, /E_stolen_card +\d+ +\d+ rejected at E \(card_listed\)/);
  t.regex(text, /Every checkout was decided as it has to be/);
});

test('a checkout whose key is in use by its double is asked for again, and both are one', async (t) => {
  const town = await checkoutTown();
  const stop = executing(town);
  const api = townApi(town.door);
  const inUse = new Set<string>();
  const post: Api['post'] = (path, body, headers = {}) => {
    const key = headers['idempotency-key'] ?? '';
    if (path !== '/v1/checkouts' || inUse.has(key)) return api.post(path, body, headers);
    inUse.add(key);
    return Promise.resolve({ status: 409, headers: new Headers({ 'retry-after': '1' }), body: undefined as never });
  };
  const plan = checkoutPlanOf({ ...options, count: 15 });
  t.true(plan.checkouts.some(({ kind }) => kind === 'approved_twice'));
  const rows = await town.clock.during(simulateCheckouts({ api: { ...api, post }, plan, clock: town.clock }));
  stop();
  t.deepEqual(
    rows.filter((row) => checkoutVerdict(row) !== 'right' && row.kind !== 'approved_declined'),
    [],
  );
});

test('one that ends otherwise than its kind has to is told, and so is one that hangs', (t) => {
  const row = { n: 1, kind: 'approved', dueAt: 0, decision: 'approved', order: 'completed', checkoutId: 'o' } as const;
  const verdict = (changes: Partial<CheckoutRow>) => checkoutVerdict({ ...row, ...changes });
  t.is(verdict({}), 'right');
  t.is(verdict({ kind: 'E_stolen_card' }), 'wrong', 'a stolen card was approved');
  const other = { kind: 'C_mistyped', decision: 'rejected', event: 'C', code: 'card_cvv_format' } as const;
  t.is(verdict(other), 'wrong', 'rejected for another reason');
  t.is(verdict({ decision: 'open' }), 'hanging');
  const { order: _, ...without } = row;
  t.is(checkoutVerdict(without), 'hanging', 'its order never ended');
  t.is(verdict({ order: 'failed', orderReason: 'insufficient_funds' }), 'wrong');
  t.is(verdict({ decision: 'given_up', httpStatus: 503 }), 'late');
  t.is(verdict({ decision: 'invalid', httpStatus: 500 }), 'wrong');
  t.is(verdict({ odd: 'one Idempotency-Key made two checkouts' }), 'wrong');
  t.false(areSound([row, { ...row, decision: 'open' }]));
  t.regex(
    checkoutReport(7, [{ ...row, kind: 'E_stolen_card' }]),
    /1 wrong:\n {2}checkout 1 \(E_stolen_card, o\) must not/,
  );
});
