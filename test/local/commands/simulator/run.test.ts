import test from 'ava';
import { createWorld, properEnd, type WorldOptions } from './world.ts';
import { type Kind, type Mix, planOf, type PlanOptions } from '#local/commands/simulator/plan.ts';
import type { SimulationProgress } from '#local/commands/simulator/result.ts';
import { simulate, type SimulateOptions } from '#local/commands/simulator/run.ts';
import { isSound, verdictOf } from '#local/commands/simulator/verdict.ts';

const plan = (fields: Partial<PlanOptions> = {}) =>
  planOf({ seed: 7, ratePerS: 50, count: 500, customers: 20, ...fields });
const only = (kind: Kind): Mix => ({ [kind]: 1 });

async function run(
  world: ReturnType<typeof createWorld>,
  options: Partial<SimulateOptions> & Pick<SimulateOptions, 'plan'>,
) {
  return world.clock.during(simulate({ api: world.api, clock: world.clock, ...options }));
}

async function simulated(of: WorldOptions, options: Partial<SimulateOptions> & Pick<SimulateOptions, 'plan'>) {
  const world = createWorld(of);
  return { world, result: await run(world, options) };
}

test('every order of the mix is sent once at its time and ends as its kind has to', async (t) => {
  const steps: SimulationProgress[] = [];
  const { world, result } = await simulated({}, { plan: plan(), onProgress: (step) => steps.push(step) });
  t.is(result.rows.length, 500);
  t.true(result.rows.every((row) => verdictOf(row) === 'right'));
  t.true(isSound(result.rows));
  const duplicates = result.rows.filter(({ kind }) => kind === 'duplicate').length;
  t.true(duplicates > 5);
  t.is(world.placings().length, 500 + duplicates);
  t.is(world.orders.size, 500);
  t.true(result.rows.some(({ outcome }) => outcome === 'cancelled'));
  t.is(result.late.count, 0);
  const first = world.placings()[0]!.at;
  t.deepEqual(
    [...new Set(world.placings().map(({ at }) => at - first))],
    plan().orders.map(({ dueMs }) => dueMs),
  );
  t.like(steps.at(-1), { phase: 'over', planned: 500, sent: 500, accepted: 500, ended: 500, outstanding: 0 });
});

test('the shelves hold all that will be ordered, and what a good costs more is paid in as well', async (t) => {
  const wanted = plan({ count: 200 });
  const world = createWorld();
  const dear = { ...wanted.goods[0]!, price: { ...wanted.goods[0]!.price, amount: 3 * wanted.goods[0]!.price.amount } };
  world.products.set(dear.sku, dear);
  await run(world, { plan: wanted });
  for (const { sku, least = 0 } of wanted.goods)
    t.true(world.products.get(sku)!.initialStock >= least || sku === dear.sku);
  t.deepEqual(world.topUps, new Map(wanted.customers.map(({ id, fundsMinor }) => [id, 3 * fundsMinor])));
});

test('the wallets are filled before the first order', async (t) => {
  const wanted = plan({ count: 50 });
  const { world } = await simulated({}, { plan: wanted });
  t.deepEqual(world.topUps, new Map(wanted.customers.map(({ id, fundsMinor }) => [id, fundsMinor])));
  const last = world.requests.findLastIndex(({ path }) => path.includes('/wallets/'));
  t.true(world.requests.findIndex(({ path }) => path === '/v1/orders') > last);
});

test('the sequence of orders does not depend on how the stack answers', async (t) => {
  const sent = async (of: WorldOptions) => {
    const { world, result } = await simulated(of, {
      plan: plan({ count: 200, mix: { ok: 3, declined: 1, slow: 1 } }),
      run: 'r',
    });
    const rows = result.rows.map(({ n, kind, customerId, amountMinor }) => ({ n, kind, customerId, amountMinor }));
    return { rows, keys: world.placings().map(({ key }) => key) };
  };
  t.deepEqual(await sent({}), await sent({ answerMs: 700, endOf: (body) => ({ ...properEnd(body), afterMs: 3000 }) }));
});

test('two runs of one plan on one stack are different orders', async (t) => {
  const world = createWorld();
  for (let times = 0; times < 2; times += 1) await run(world, { plan: plan({ count: 20 }) });
  t.is(world.orders.size, 40);
});

test('a stack that lets a declined order through is told on', async (t) => {
  const endOf = () => ({ status: 'completed', afterMs: 10 });
  const { result } = await simulated({ endOf }, { plan: plan({ count: 10, mix: only('declined') }) });
  t.true(result.rows.every((row) => verdictOf(row) === 'wrong'));
  t.false(isSound(result.rows));
});

test('a stack that forgets keys makes two orders of a duplicate, which is told', async (t) => {
  const { result } = await simulated({ forgetful: true }, { plan: plan({ count: 3, mix: only('duplicate') }) });
  t.deepEqual(
    result.rows.map(({ twins }) => twins?.length),
    [2, 2, 2],
  );
  t.false(isSound(result.rows));
});

test('what hangs is waited for until the limit, and no longer', async (t) => {
  const endOf = (body: Parameters<typeof properEnd>[0]) =>
    body.paymentMethod === 'pm_slow' ? undefined : properEnd(body);
  const { result } = await simulated({ endOf }, { plan: plan({ count: 20, mix: { ok: 1, slow: 1 } }), limitMs: 5000 });
  const open = result.rows.filter(({ outcome }) => outcome === 'open');
  t.true(open.length > 0 && open.every(({ kind }) => kind === 'slow'));
  t.true(result.waitingMs >= 5000 && result.waitingMs < 5200, `${result.waitingMs}`);
});

const refusal = (request: number) => (request <= 5 ? { status: 503, retryAfterS: 2 } : undefined);

test('a refused order is not sent again by itself', async (t) => {
  const { world, result } = await simulated({ refuse: refusal }, { plan: plan({ count: 20, mix: only('ok') }) });
  t.is(result.rows.filter(({ outcome, httpStatus }) => outcome === 'refused' && httpStatus === 503).length, 5);
  t.is(world.placings().length, 20);
  t.true(isSound(result.rows));
});

test('with retry it is sent once more, after Retry-After and under its key', async (t) => {
  const { world, result } = await simulated(
    { refuse: refusal },
    { plan: plan({ count: 20, mix: only('ok') }), retry: 'once' },
  );
  t.true(result.rows.every(({ outcome }) => outcome === 'completed'));
  t.is(world.placings().length, 25);
  const [first, second, ...more] = world.placings().filter(({ key }) => key === world.placings()[0]!.key);
  t.is(more.length, 0);
  t.true(second!.at - first!.at >= 2000);
  const never = await simulated(
    { refuse: () => ({ status: 429, retryAfterS: 1 }) },
    { plan: plan({ count: 3, mix: only('ok') }), retry: 'once' },
  );
  t.is(never.world.placings().length, 6);
  t.true(never.result.rows.every(({ outcome }) => outcome === 'refused'));
});

test('one who insists asks under the same key until it is certain', async (t) => {
  const refuse = (request: number) =>
    request % 4 === 0 ? undefined : request % 4 === 1 ? ('cut' as const) : { status: request % 4 === 2 ? 504 : 503 };
  const wanted = { plan: plan({ count: 30, mix: only('ok') }) };
  const { world, result } = await simulated({ refuse }, { ...wanted, insistMs: 60_000 });
  t.true(result.rows.every(({ outcome }) => outcome === 'completed'));
  t.is(world.orders.size, 30);
  const unasked = await simulated({ refuse }, wanted);
  t.true(unasked.result.rows.some(({ outcome, httpStatus }) => outcome === 'unanswered' && httpStatus === undefined));
  t.true(unasked.result.rows.some(({ outcome, httpStatus }) => outcome === 'unanswered' && httpStatus === 504));
});

test('a key in use is asked for again without being told to', async (t) => {
  const refuse = (request: number) => (request === 2 ? { status: 409, retryAfterS: 1 } : undefined);
  const { world, result } = await simulated({ refuse }, { plan: plan({ count: 1, mix: only('duplicate') }) });
  t.is(world.placings().length, 3);
  const [row] = result.rows;
  t.like(row, { outcome: 'completed', httpStatus: 202 });
  t.true(row!.answeredAt! - row!.dueAt < 100, 'it was accepted with its first copy');
});

test('a slow stack gets no more requests at once than allowed; the delay counts as latency and is told', async (t) => {
  const { world, result } = await simulated(
    { answerMs: 1000 },
    { plan: plan({ count: 100, mix: only('ok') }), maxOutstanding: 10 },
  );
  t.true(world.mostUnder() <= 11, `${world.mostUnder()}`); // and one that watches
  t.is(result.rows.length, 100);
  t.true(result.late.count > 50 && result.late.maxMs > 5000);
  const last = result.rows.at(-1)!;
  t.true(last.answeredAt! - last.dueAt > 5000);
});

test('enough: nothing more is sent, and what was accepted is waited for', async (t) => {
  const [world, enough] = [createWorld(), new AbortController()];
  world.clock.after(2000, () => enough.abort());
  const result = await run(world, { plan: plan({ count: 5000, mix: only('slow') }), enough: enough.signal });
  t.true(result.rows.length > 80 && result.rows.length <= 101, `${result.rows.length}`);
  t.true(result.rows.every(({ outcome }) => outcome === 'completed'));
  t.is(result.planned, 5000);
});

test('a signal ends the waiting too; what has not ended is open', async (t) => {
  const [world, stop] = [createWorld({ endOf: () => undefined }), new AbortController()];
  world.clock.after(2000, () => stop.abort());
  const startedAt = world.clock.now();
  const result = await run(world, { plan: plan({ count: 5000, mix: only('ok') }), signal: stop.signal });
  t.true(world.clock.now() - startedAt < 2100);
  t.true(result.rows.length > 80 && result.rows.every(({ outcome }) => outcome === 'open'));
  const before = world.requests.length;
  await world.clock.advance(10_000);
  t.is(world.requests.length, before, 'nothing goes on');
});
