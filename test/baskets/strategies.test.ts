import test from 'ava';
import { BUY_ONE_GET_ONE, openMarket, type Priced } from './market.ts';
import type { Log } from '#shared/log.ts';
import { silentLog } from '#shared/log.ts';

const PLAIN_PRICE = 'export default ({ quantity, price }) => quantity * price;';
interface Shown {
  readonly active: { readonly version: string };
  readonly versions: readonly { readonly version: string; readonly source: string; readonly by: string }[];
}

test('the same text is the same version and is nothing new; it never changes another product or supermarket', async (t) => {
  const { door, priceIn, strategyIn, price } = await openMarket();
  for (const id of ['north', 'south']) for (const sku of ['GR1', 'SR1']) await priceIn(id, sku, 100);
  const put = (sku: string, body: object) =>
    door.answered<{ version: string; name: string }>('PUT', `/v1/pricing/strategies/${sku}?supermarket=north`, {
      body,
    });
  const first = await put('GR1', { source: BUY_ONE_GET_ONE, name: 'one free' });
  const again = await put('GR1', { source: BUY_ONE_GET_ONE });
  t.deepEqual([first.status, again.status], [201, 200]);
  t.deepEqual([again.body.version, again.body.name], [first.body.version, 'one free']);
  t.not(await strategyIn('north', 'SR1', `${BUY_ONE_GET_ONE} `), first.body.version);
  const total = async (id: string) =>
    ((await price(id, 'a', ['GR1', 'GR1', 'SR1', 'SR1'])).body as Priced).total.amount;
  t.is(await total('north'), 200);
  t.is(await total('south'), 400);
});

test('an upload says what its dry run warns of, also when its text is nothing new', async (t) => {
  const { door } = await openMarket();
  const put = async (source: string) => {
    const { status, body } = await door.answered<{ warnings: readonly string[] }>(
      'PUT',
      '/v1/pricing/strategies/GR1?supermarket=north',
      { body: { source } },
    );
    return [status, ...body.warnings.map((warning) => /binary fractions|negative/.exec(warning)?.[0])];
  };
  const discount = 'export default ({ quantity, price }) => Math.round(quantity * price * 0.9) - 1';
  t.deepEqual(await put(PLAIN_PRICE), [201]);
  t.deepEqual(await put(discount), [201, 'binary fractions', 'negative']);
  t.deepEqual(await put(discount), [200, 'binary fractions', 'negative']);
});

test('a strategy of all supermarkets counts where none of its own is; plain may be activated instead', async (t) => {
  const { door, priceIn, strategyIn, price } = await openMarket();
  await priceIn('north', 'GR1', 100);
  await priceIn('south', 'GR1', 100);
  await strategyIn(undefined, 'GR1', BUY_ONE_GET_ONE);
  const amounts = async () =>
    Promise.all(
      ['north', 'south'].map(async (id) => ((await price(id, 'a', ['GR1', 'GR1'])).body as Priced).total.amount),
    );
  t.deepEqual(await amounts(), [100, 100]);
  const path = '/v1/pricing/strategies/GR1/activate?supermarket=south';
  t.is((await door.answered('POST', path, { body: { version: 'plain' } })).status, 200);
  t.deepEqual(await amounts(), [100, 200]);
});

test('a version is rolled back to, and back again; a price changes no version; an unknown version is not found', async (t) => {
  const { door, priceIn, strategyIn, price } = await openMarket();
  await priceIn('north', 'GR1', 100);
  const one = await strategyIn('north', 'GR1', BUY_ONE_GET_ONE);
  const two = await strategyIn('north', 'GR1', PLAIN_PRICE);
  const line = async () => ((await price('north', 'a', ['GR1', 'GR1'])).body as Priced).lines[0]!;
  const activate = (version: string) =>
    door.answered('POST', '/v1/pricing/strategies/GR1/activate?supermarket=north', { body: { version } });
  t.like(await line(), { amount: 200, strategy: { version: two } });
  t.is((await activate(one)).status, 200);
  t.like(await line(), { amount: 100, strategy: { version: one } });
  await priceIn('north', 'GR1', 300);
  t.like(await line(), { amount: 300, strategy: { version: one } });
  t.is((await activate('0'.repeat(40))).status, 404);
  const shown = await door.answered<Shown>('GET', '/v1/pricing/strategies/GR1?supermarket=north');
  t.is(shown.body.active.version, one);
  t.deepEqual(
    shown.body.versions.map(({ version, by }) => [version, by]),
    [
      [one, 'root'],
      [two, 'root'],
    ],
  );
});

test('what can not be used is refused with its place, and what was active stays', async (t) => {
  const { door, priceIn, strategyIn, price } = await openMarket();
  await priceIn('north', 'GR1', 100);
  const active = await strategyIn('north', 'GR1', BUY_ONE_GET_ONE);
  const put = (source: string) =>
    door.answered('PUT', '/v1/pricing/strategies/GR1?supermarket=north', { body: { source } });
  const broken = await put('export default ({ quantity }) =>\n  quantity *;');
  t.is(broken.status, 422);
  t.like(broken.body, { type: '/problems/strategy-refused', sku: 'GR1', line: 2 });
  for (const source of [
    'export default () => { throw new Error("no"); };',
    'export default () => undefined;',
    'export default () => NaN;',
    'export default () => 0.5;',
    'export default () => -1;',
    'export default () => "1";',
    'export default async () => 1;',
    'export default () => { for (;;); };',
    'export default ({ quantity }) => quantity * 1e15;',
  ]) {
    const { status, body } = await put(source);
    t.is(status, 422, `${source} ${JSON.stringify(body)}`);
  }
  t.like(((await price('north', 'a', ['GR1'])).body as Priced).lines[0], { strategy: { version: active } });
});

test('a strategy that fails fails its own request, with its version, and the next one is unharmed; the log names whose basket it was', async (t) => {
  const lines: { readonly text: string; readonly fields: Record<string, unknown> }[] = [];
  const log: Log = { ...silentLog, error: (text, fields) => void lines.push({ text, fields: { ...fields } }) };
  const { priceIn, strategyIn, price } = await openMarket({ ports: { log } });
  await priceIn('north', 'GR1', 100);
  await priceIn('north', 'MF1', 500);
  const source =
    'export default ({ quantity, price }) => { if (quantity === 77) throw new Error("seventy-seven"); return quantity * price; };';
  const version = await strategyIn('north', 'GR1', source);
  const failed = await price('north', 'alice', ['MF1', { sku: 'GR1', quantity: 77 }]);
  t.is(failed.status, 502);
  t.like(failed.body, { type: '/problems/strategy-failed', sku: 'GR1', version, did: 'threw' });
  t.false('total' in (failed.body as object));
  t.like((await price('north', 'alice', ['MF1', 'GR1'])).body, { total: { amount: 600 } });
  const traceId = '1'.repeat(32);
  t.true(lines.length >= 2);
  for (const { fields } of lines)
    t.like(fields, { supermarketId: 'north', userId: 'alice', sku: 'GR1', version, traceId });
});

test('a dry run tells amounts and changes nothing', async (t) => {
  const { door, priceIn, price } = await openMarket();
  await priceIn('north', 'GR1', 100);
  const path = '/v1/pricing/strategies/GR1/try?supermarket=north';
  const cases = [
    { quantity: 3, price: 311 },
    { quantity: 4, price: 311 },
  ];
  const tried = await door.answered<{ amounts: readonly number[] }>('POST', path, {
    body: { source: BUY_ONE_GET_ONE, cases },
  });
  t.is(tried.status, 200, JSON.stringify(tried.body));
  t.deepEqual(tried.body.amounts, [622, 622]);
  t.like(((await price('north', 'a', ['GR1', 'GR1'])).body as Priced).lines[0], { strategy: { version: 'plain' } });
  t.is((await door.answered('POST', path, { body: { source: 'nonsense(', cases } })).status, 422);
});

test('without a text a dry run tries what prices the product in the next basket, plain as well', async (t) => {
  const { door, priceIn, strategyIn } = await openMarket();
  await priceIn('north', 'GR1', 100);
  const tried = async (sku: string, query: string, price = 311) => {
    const body = { cases: [{ quantity: 3, price }] };
    const answer = await door.answered<object>('POST', `/v1/pricing/strategies/${sku}/try${query}`, { body });
    return { status: answer.status, ...answer.body };
  };
  const plain = { status: 200, version: 'plain', amounts: [933], microseconds: [0], warnings: [] };
  t.deepEqual(await tried('GR1', '?supermarket=north'), plain);
  t.like(await tried('GR1', '?supermarket=north', Number.MAX_SAFE_INTEGER), { status: 400 });
  t.like(await tried('GR1', '?supermarket=south'), { status: 404, sku: 'GR1' });
  t.like(await tried('gr1', '?supermarket=north'), { status: 404, sku: 'gr1' });
  t.like(await tried('GR1', ''), { status: 404 });
  const version = await strategyIn(undefined, 'GR1', BUY_ONE_GET_ONE);
  for (const query of ['', '?supermarket=north', '?supermarket=south'])
    t.like(await tried('GR1', query), { version, amounts: [622] });
});

test('a thousand baskets during swaps: each line is what the version that it names computes', async (t) => {
  const { door, town, priceIn, strategyIn } = await openMarket();
  await priceIn('north', 'GR1', 311);
  const sources = [BUY_ONE_GET_ONE, PLAIN_PRICE];
  const versions: string[] = [];
  for (const source of sources) versions.push(await strategyIn('north', 'GR1', source));
  const amountOf = [(n: number) => Math.ceil(n / 2) * 311, (n: number) => n * 311];
  const body = (n: number) => ({
    supermarketId: 'north',
    userId: `u${n % 50}`,
    items: [{ sku: 'GR1', quantity: 1 + (n % 9) }],
  });
  const answers = town.clock.during(
    Promise.all([
      ...Array.from({ length: 1000 }, async (_, n) => {
        await town.clock.sleep(n % 200);
        return door.ask<Priced>('POST', '/v1/baskets/price', { body: body(n) });
      }),
      (async () => {
        for (let swap = 0; swap < 20; swap += 1) {
          await town.clock.sleep(10);
          const version = versions[swap % 2];
          await door.ask('POST', '/v1/pricing/strategies/GR1/activate?supermarket=north', { body: { version } });
        }
      })(),
    ]),
  );
  const seen = new Set<string>();
  for (const answer of (await answers).slice(0, 1000)) {
    const { body: priced, status } = answer as { readonly status: number; readonly body: Priced };
    t.is(status, 200, JSON.stringify(priced));
    const [line] = priced.lines;
    const which = versions.indexOf(line!.strategy.version);
    if (amountOf[which]?.(line!.quantity) !== line!.amount || priced.total.amount !== line!.amount)
      t.fail(`${line!.quantity} for ${line!.amount} by ${line!.strategy.version}`);
    seen.add(line!.strategy.version);
  }
  t.is(seen.size, 2, 'both versions priced');
});
