/** Baskets on several real workers: who prices whose, what one trace shows, and what becomes of them when a worker is killed. */
import test from 'ava';
import { systemClock as clock } from '#shared/clock.ts';
import { startStack, type TestStack } from '#test/support/stack.ts';
import { patience, until } from '#test/support/until.ts';

/** Fails when it is asked for 777, which tells in the logs who was asked, and takes its time for 5. */
const STRATEGY = `export default ({ quantity, price }) => {
  if (quantity === 777) throw new Error('777');
  let spent = 0;
  if (quantity === 5) for (let n = 0; n < 200000; n += 1) spent += n % 7;
  return quantity * price + 0 * spent;
};`;
const PRICE = 100;
const SKUS = Array.from({ length: 12 }, (_, n) => `S${n}`);
const USERS = Array.from({ length: 24 }, (_, n) => `user-${n}`);
/** What a client waits for a total, and a way back. */
const IN_TIME_MS = 6000;

interface Answer {
  readonly total?: { readonly amount: number };
  readonly lines?: readonly { readonly sku: string; readonly quantity: number }[];
  readonly type?: string;
  readonly traceId: string;
}
interface Partition {
  readonly route: string;
  readonly owner: string | null;
  readonly active: string | null;
}

let stack: TestStack;

test.before(async () => {
  const workers = { basket: 3, pricing: 2 };
  stack = await startStack({ workers, apart: Object.keys(workers), processes: 'one', goods: [] });
  const eur = { amount: PRICE, currency: 'EUR' };
  const puts = SKUS.flatMap((sku) => [
    stack.api.put(`/v1/supermarkets/north/prices/${sku}`, eur),
    stack.api.put(`/v1/pricing/strategies/${sku}`, { source: STRATEGY }),
  ]);
  await Promise.all([...puts, stack.api.put('/v1/supermarkets/south/prices/S0', eur)]);
});
test.after.always(() => stack?.stop());

const price = (userId: string, items: readonly unknown[], headers = {}) =>
  stack.api.post<Answer>('/v1/baskets/price', { supermarketId: 'north', userId, items }, headers);

/** What the processes wrote under a trace, each with the name of its process. */
const written = (traceId: string): readonly (readonly [string, string])[] =>
  stack
    .logs()
    .filter((line) => line.includes(traceId))
    .map((line) => [line.split(/\s+/)[1] ?? '', line] as const);

/** Which worker has the user's basket, and which prices the product. */
async function askedOf(userId: string, sku: string): Promise<{ readonly basket: string; readonly pricing: string }> {
  const { body } = await price(userId, [{ sku, quantity: 777 }]);
  const by = (text: string): string => written(body.traceId).find(([, line]) => line.includes(text))?.[0] ?? '';
  return until(
    `who priced ${sku} for ${userId} has told`,
    () => ({ basket: by('a basket has no price'), pricing: by('a strategy failed') }),
    (told) => told.basket !== '' && told.pricing !== '',
  );
}

/** By user, or by SKU. */
async function mapped(of: 'basket' | 'pricing'): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const name of of === 'basket' ? USERS : SKUS)
    found.set(name, (await askedOf(of === 'basket' ? name : 'probe', of === 'basket' ? 'S0' : name))[of]);
  return found;
}

/** Each partition of both has its owner for its active worker, one of so many. */
const settled = (route: string, workers: number): Promise<unknown> =>
  until(
    `${route} has ${workers} workers`,
    async () =>
      (await stack.api.get<{ items: readonly Partition[] }>('/v1/partitions')).body.items.filter(
        (one) => one.route === route,
      ),
    (all) =>
      all.length > workers &&
      all.every(({ owner, active }) => owner !== null && owner === active) &&
      new Set(all.map(({ owner }) => owner)).size === workers,
    { limitMs: 20_000 },
  );

/** Of its questions, those that are labelled with this, in the metrics of a process. */
async function counted(name: string, what: 'asked' | 'answered', label: string): Promise<number> {
  const lines = (await (await fetch(`${stack.urls[name]}/metrics`)).text()).split('\n');
  const found = lines.filter((line) => line.startsWith(`switchyard_questions_${what}_total{`) && line.includes(label));
  return found.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** Kills it, and it stays away. */
async function lose(name: string): Promise<void> {
  stack.kill(name);
  await stack.process(name).stop();
}

test.serial(
  'one trace goes from the gateway to each price server, and each line about it names basket, user, SKU and version',
  async (t) => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const items = SKUS.map((sku) => ({ sku, quantity: 777 }));
    const { status, body } = await price('alice', items, { traceparent: `00-${trace}-00f067aa0ba902b7-01` });
    t.is(status, 502, JSON.stringify(body));
    t.is(body.traceId, trace);
    const lines = await until(
      'every price server has told, and the gateway',
      () => written(trace),
      (all) =>
        all.filter(([, line]) => line.includes('a strategy failed')).length === SKUS.length &&
        all.some(([name]) => name === 'gateway'),
    );
    const facts = (line: string): Readonly<Record<string, string>> =>
      Object.fromEntries([...line.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name!, value!]));
    const failed = lines.filter(([, line]) => line.includes('a strategy failed'));
    const version = facts(failed[0]![1])['version'];
    t.regex(version ?? '', /^[0-9a-f]{32,}$/);
    for (const [, line] of failed)
      t.like(facts(line), { supermarketId: 'north', userId: 'alice', version, traceId: trace });
    t.deepEqual(failed.map(([, line]) => facts(line)['sku']).toSorted(), SKUS.toSorted());
    t.deepEqual([...new Set(failed.map(([name]) => name))].toSorted(), ['pricing-1', 'pricing-2']);
    const [basket, ...others] = lines.filter(([, line]) => line.includes('a basket has no price'));
    t.deepEqual(others, []);
    t.regex(basket![0], /^basket-/);
    t.like(facts(basket![1]), { supermarketId: 'north', userId: 'alice', version, traceId: trace });
    t.true(SKUS.includes(facts(basket![1])['sku']!));
    t.true((await counted(basket![0], 'asked', 'pricing')) >= SKUS.length);
    t.true((await counted('gateway', 'asked', 'basket')) >= 1);
    for (const name of ['pricing-1', 'pricing-2']) t.true((await counted(name, 'answered', 'problem')) >= 1);
  },
);

test.serial('what is in a basket is there after its worker was killed, and nobody else sees it', async (t) => {
  const wanted = { 'north/alice': 2, 'north/bob': 3, 'south/alice': 4 };
  for (const [owner, quantity] of Object.entries(wanted))
    t.is((await stack.api.put(`/v1/baskets/${owner}/items/S0`, { quantity })).status, 200);
  for (const name of ['basket-1', 'basket-2', 'basket-3']) stack.kill(name);
  await stack.ready();
  for (const [owner, quantity] of Object.entries(wanted)) {
    const { body } = await until(
      `${owner} can be read`,
      () => stack.api.get<Answer>(`/v1/baskets/${owner}`),
      ({ status }) => status === 200,
    );
    t.deepEqual(
      body.lines?.map((line) => [line.sku, line.quantity]),
      [['S0', quantity]],
    );
  }
});

test.serial('the same user meets the same worker, others spread, and a lost worker moves only its own', async (t) => {
  await settled('basket', 3);
  const first = await mapped('basket');
  t.deepEqual(await mapped('basket'), first);
  t.deepEqual([...new Set(first.values())].toSorted(), ['basket-1', 'basket-2', 'basket-3']);
  await lose('basket-2');
  await settled('basket', 2);
  const then = await mapped('basket');
  for (const [user, worker] of first)
    if (worker === 'basket-2') t.not(then.get(user), worker);
    else t.is(then.get(user), worker, user);
});

test.serial(
  'a worker is killed while it prices: the baskets of others are answered, its own get their total or one clean error in time',
  async (t) => {
    await settled('pricing', 2);
    const by = await mapped('pricing');
    const skusOf = (worker: string): readonly string[] => SKUS.filter((sku) => by.get(sku) === worker).slice(0, 3);
    const [own, others] = [skusOf('pricing-1'), skusOf('pricing-2')];
    t.true(own.length > 0 && others.length > 0);
    let killed = false;
    let answered = 0;
    const asked = async (user: string, skus: readonly string[]) => {
      const began = clock.now();
      const { status, body } = await price(
        user,
        skus.map((sku) => ({ sku, quantity: 5 })),
      );
      answered += 1;
      return { status, body, tookMs: clock.now() - began, afterwards: killed };
    };
    const some = USERS.slice(0, 10);
    const ofOwn = Promise.all(some.map((user) => asked(user, own)));
    const ofOthers = Promise.all(some.map((user) => asked(user, others)));
    await until('the first are answered', () => answered > 0, Boolean, { everyMs: 1 });
    killed = true;
    await lose('pricing-1');
    for (const { status, body } of await ofOthers) {
      t.is(status, 200, JSON.stringify(body));
      t.is(body.total?.amount, others.length * 5 * PRICE);
    }
    const ends = await ofOwn;
    for (const { status, body, tookMs } of ends) {
      if (status === 200) t.is(body.total?.amount, own.length * 5 * PRICE);
      else t.true(status === 503 || status === 504, JSON.stringify(body));
      t.true(tookMs < patience(IN_TIME_MS), `${tookMs} ms`);
    }
    const late = ends.filter(({ afterwards }) => afterwards);
    t.true(late.length > 0, 'some were being priced');
    const totals = late.filter(({ status }) => status === 200).length;
    t.log(`${late.length} of ${ends.length} were being priced; ${totals} got a total`);
    t.true(totals > 0, 'what it had in hand goes to the next one');
    await settled('pricing', 1);
    t.deepEqual(new Set((await mapped('pricing')).values()), new Set(['pricing-2']));
  },
);
