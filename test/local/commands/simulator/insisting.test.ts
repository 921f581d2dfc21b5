/** Customers who ask until they are told: under which key, and for how long. */
import test from 'ava';
import type { Api, ApiAnswer } from '#local/commands/api.ts';
import { askFor } from '#local/commands/simulator/checkout-asking.ts';
import { checkoutPlanOf } from '#local/commands/simulator/checkout-plan.ts';
import { simulateCheckouts } from '#local/commands/simulator/checkout-run.ts';
import { checkoutVerdict } from '#local/commands/simulator/checkout-verdict.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

type Told = 'lost' | readonly [status: number, body?: object];

const answer = ([status, body]: Exclude<Told, 'lost'>): ApiAnswer<never> => ({
  status,
  headers: new Headers(),
  body: body as never,
});
const approved = (checkoutId: string): Told => [201, { checkoutId, status: 'approved', suggestions: [{}] }];
const pending = (checkoutId: string): Told => [202, { checkoutId, status: 'pending', suggestions: [] }];
const gone = (checkoutId: string): Told => [503, { type: '/problems/dependency-unavailable', checkoutId }];
const open: Told = [503, { type: '/problems/breaker-open' }];
const unknown: Told = [504, { type: '/problems/outcome-unknown', checkoutId: 'c1' }];
const inUse: Told = [409, { type: '/problems/idempotency-key-in-use' }];

/** An API that tells one after another, the last one for ever; `looked`: what a checkout looks like. */
function world(told: readonly Told[], looked: Told = [404]) {
  const clock = createVirtualClock();
  const asked: { readonly key: string; readonly at: number }[] = [];
  const api: Api = {
    get: async () => (looked === 'lost' ? Promise.reject(new Error('lost')) : answer(looked)),
    async post(_path, _body, headers = {}) {
      const next = told[Math.min(asked.length, told.length - 1)]!;
      asked.push({ key: headers['idempotency-key']!, at: clock.now() });
      if (next === 'lost') throw new TypeError('fetch failed');
      return answer(next);
    },
    put: () => Promise.reject(new Error('not asked')),
    delete: () => Promise.reject(new Error('not asked')),
  };
  const sending = { api, clock, run: 'r', signal: new AbortController().signal, limitMs: 10_000 };
  const one = { n: 7, kind: 'approved', customerId: 'c', dueMs: 0, contact: 'c@example.org', body: {} } as const;
  return {
    asked,
    keys: () => asked.map(({ key }) => key),
    ask: (insistMs: number, copies = 1) => clock.during(askFor(one, copies, { ...sending, insistMs })),
  };
}

test('while it may have been taken the key stays, whatever a later try is refused with', async (t) => {
  const { ask, keys } = world(['lost', unknown, inUse, open, [429], approved('c1')]);
  const asked = await ask(60_000);
  t.like(asked, { decision: 'approved', givenUp: [], answer: { body: { checkoutId: 'c1' } } });
  t.deepEqual([keys().length, [...new Set(keys())]], [6, ['r-7']]);
});

test('one that is told to be given up is bought under another key', async (t) => {
  const { ask, keys } = world([unknown, gone('c1'), gone('c2'), approved('c3')]);
  t.like(await ask(60_000), { decision: 'approved', givenUp: ['c1', 'c2'] });
  t.deepEqual(keys(), ['r-7', 'r-7', 'r-7-2', 'r-7-3']);
});

test('one that is not decided is looked at, then asked for again under its key; one that failed by then under another', async (t) => {
  const still = world([pending('c1'), pending('c1'), approved('c1')], pending('c1'));
  t.like(await still.ask(60_000), { decision: 'approved' });
  t.deepEqual(still.keys(), ['r-7', 'r-7', 'r-7']);
  const failed = world([pending('c1'), approved('c2')], [200, { checkoutId: 'c1', status: 'failed', suggestions: [] }]);
  t.like(await failed.ask(60_000), { decision: 'approved', givenUp: ['c1'] });
  t.deepEqual(failed.keys(), ['r-7', 'r-7-2']);
});

test('the time between two tries grows, and ends with the patience', async (t) => {
  const { ask, asked } = world([unknown]);
  t.like(await ask(30_000), { decision: 'unanswered' });
  const pauses = asked.slice(1).map(({ at }, index) => at - asked[index]!.at);
  t.deepEqual(pauses.slice(0, 6), [250, 500, 1000, 2000, 4000, 4000]);
  const lastMs = asked.at(-1)!.at - asked[0]!.at;
  t.true(lastMs >= 30_000 && lastMs < 35_000, `${lastMs}`);
});

test('whoever does not insist asks once, and is told what that was', async (t) => {
  for (const [told, decision] of [
    [open, 'refused'],
    [gone('c1'), 'given_up'],
    [unknown, 'unanswered'],
    ['lost', 'unanswered'],
  ] as const) {
    const { ask, asked } = world([told]);
    t.is((await ask(0)).decision, decision);
    t.is(asked.length, 1);
  }
});

test('after a try that may have been taken a refusal does not say that nothing was', async (t) => {
  const { ask } = world([unknown, open]);
  t.is((await ask(5000)).decision, 'unanswered');
});

test('two copies of one request that are told of two checkouts, or of two ends, are odd', async (t) => {
  const two = await world([approved('c1'), approved('c2')]).ask(0, 2);
  t.is(two.odd, 'one Idempotency-Key made two checkouts, c1 and c2');
  const both = await world([gone('c1'), approved('c1')]).ask(60_000, 2);
  t.is(both.odd, 'of one checkout it was told that it is given_up and approved');
});

test('an order of a checkout that was told to be given up is found in the end', async (t) => {
  const clock = createVirtualClock();
  const plan = { ...checkoutPlanOf({ seed: 1, ratePerS: 1, count: 1, customers: 1 }) };
  const order = { id: 'c1', status: 'completed', updatedAt: new Date(0).toISOString() };
  const api = {
    get: async (path: string) => (path.startsWith('/v1/orders/c1') ? answer([200, order]) : answer([404])),
    post: async (path: string) =>
      answer(path === '/v1/checkouts' ? (gone('c1') as [number, object]) : [201, { price: { amount: 1 } }]),
  } as unknown as Api;
  const [row] = await clock.during(simulateCheckouts({ api, plan, clock }));
  t.like(row, { decision: 'given_up', givenUp: ['c1'], odd: 'c1 was given up, and there is an order of its id' });
  t.is(checkoutVerdict(row!), 'wrong');
});
