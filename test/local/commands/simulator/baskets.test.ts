/** `npm run simulate -- --baskets`: the same baskets for the same seed, each kind with its end, in a town in memory. */
import test from 'ava';
import { townApi } from './town-api.ts';
import { openMarket } from '#test/baskets/market.ts';
import { basketFault, STRATEGIES } from '#local/commands/simulator/basket-market.ts';
import { BASKET_KINDS, basketPlanOf } from '#local/commands/simulator/basket-plan.ts';
import { basketReport } from '#local/commands/simulator/basket-report.ts';
import { simulateBaskets } from '#local/commands/simulator/basket-run.ts';
import { type BasketRow, basketsAreSound, basketVerdict } from '#local/commands/simulator/basket-verdict.ts';
import type { ApiAnswer } from '#local/commands/api.ts';

const options = { seed: 7, ratePerS: 20, count: 200, customers: 5 };

test('the same seed plans the same baskets, a longer plan begins with the shorter one, and every kind is there', (t) => {
  const plan = basketPlanOf(options);
  t.deepEqual(basketPlanOf(options), plan);
  t.deepEqual(basketPlanOf({ ...options, count: 40 }).baskets, plan.baskets.slice(0, 40));
  t.notDeepEqual(basketPlanOf({ ...options, seed: 8 }).baskets, plan.baskets);
  t.deepEqual([...new Set(plan.baskets.map(({ kind }) => kind))].toSorted(), [...BASKET_KINDS].toSorted());
  for (const { kind, asked, items } of plan.baskets) {
    const pieces = asked.reduce<number>((sum, one) => sum + (typeof one === 'string' ? 1 : one.quantity), 0);
    const all = items.reduce((sum, { quantity }) => sum + quantity, 0);
    t.is(pieces, kind === 'unknown_sku' ? all + 1 : all, kind);
  }
});

test('each basket of the plan ends as its kind has to while strategies are swapped, and each order is charged what was shown', async (t) => {
  const { town, door } = await openMarket();
  const plan = basketPlanOf(options);
  const rows = await town.clock.during(simulateBaskets({ api: townApi(door), plan, clock: town.clock }));
  t.is(rows.length, 200);
  t.deepEqual(
    rows.filter((row) => basketVerdict(row) !== 'right' || ['left_out', 'unanswered'].includes(row.end)),
    [],
  );
  const text = basketReport(7, rows);
  t.regex(text, /ordered +\d+ +\d+ ordered, order completed\n/);
  t.regex(text, /unknown_sku +\d+ +\d+ unknown product\n/);
  t.regex(text, /Every total is what the versions of its lines compute/);
});

test('a total, a line, a price or a content that is another one is told, and makes the run fail', async (t) => {
  const { town, door } = await openMarket();
  const api = townApi(door);
  /** Of one-shot baskets of more than one line, the first line costs one more. */
  async function post<Body>(...asked: Parameters<typeof api.post>): Promise<ApiAnswer<Body>> {
    const answer = await api.post<Body>(...asked);
    const { lines } = (answer.body ?? {}) as { readonly lines?: readonly { amount: number }[] };
    if (asked[0] === '/v1/baskets/price' && lines !== undefined && lines.length > 1) lines[0]!.amount += 1;
    return answer;
  }
  const plan = basketPlanOf({ ...options, count: 30 });
  const rows = await town.clock.during(simulateBaskets({ api: { ...api, post }, plan, clock: town.clock }));
  const wrong = rows.filter((row) => basketVerdict(row) === 'wrong');
  t.true(wrong.length > 0);
  t.true(wrong.every(({ odd = '' }) => /^\d+ sim-\w+ cost \d+, by [\w-]+ \d+$/.test(odd)));
  t.false(basketsAreSound(rows));
  t.regex(basketReport(7, rows), /\d+ wrong:\n {2}basket \d+ \(\w+\) must not end so: \d+ sim/);

  const items = [{ sku: 'sim-tea', quantity: 3 }];
  const unitPrice = { amount: 911, currency: 'EUR' };
  const [oneFree] = STRATEGIES;
  const line = { ...items[0]!, unitPrice, amount: 1822, strategy: { version: oneFree!.version } };
  const fault = (changes: object, amount = 1822, where = 'sim-north') =>
    basketFault(where, items, { total: { amount }, lines: [{ ...line, ...changes }] });
  t.is(fault({}), undefined);
  t.is(fault({}, 1823), 'lines of 1822 have a total of 1823');
  t.is(fault({ strategy: { version: 'plain' } }), '3 sim-tea cost 1822, by plain 2733');
  t.is(fault({}, 1822, 'sim-south'), 'sim-tea costs 911 in sim-south, not 945');
  t.is(fault({ quantity: 2 }), 'it has 2 sim-tea in the place of 3 sim-tea');
});

test('one that ends otherwise than its kind has to is told, and so is one whose order hangs', (t) => {
  const row = { n: 1, kind: 'ordered', dueAt: 0, end: 'done', orderId: 'o', order: 'completed' } as const;
  const verdict = (changes: Partial<BasketRow>) => basketVerdict({ ...row, ...changes });
  t.is(verdict({}), 'right');
  t.is(verdict({ kind: 'unknown_sku' }), 'wrong', 'what nobody sells has a price');
  t.is(verdict({ kind: 'codes', end: 'unknown_product' }), 'wrong', 'what is sold is unknown');
  const { order: _, ...without } = row;
  t.is(basketVerdict(without), 'hanging');
  t.is(verdict({ order: 'failed', orderReason: 'insufficient_funds' }), 'wrong');
  t.is(verdict({ end: 'given_up', httpStatus: 504 }), 'late');
  t.is(verdict({ end: 'invalid', httpStatus: 500 }), 'wrong');
  t.false(basketsAreSound([row, without]));
});

test('after a change that may still happen nobody changes that basket any more', async (t) => {
  const { town, door } = await openMarket();
  const api = townApi(door);
  const late = { status: 504, headers: new Headers(), body: undefined };
  let puts = 0;
  const put: typeof api.put = async <Body>(path: string, body: unknown) =>
    path.startsWith('/v1/baskets/') && (puts += 1) === 1
      ? (late as unknown as ApiAnswer<Body>)
      : api.put<Body>(path, body);
  const plan = basketPlanOf({ ...options, customers: 1, count: 60 });
  const rows = await town.clock.during(simulateBaskets({ api: { ...api, put }, plan, clock: town.clock }));
  t.is(rows.filter(({ end }) => end === 'given_up').length, 1);
  t.true(rows.some(({ end }) => end === 'left_out'));
  t.true(basketsAreSound(rows));
});
