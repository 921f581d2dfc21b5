/** Baskets over a real broker and database: what is uploaded prices the next one, nothing is left of what was asked, and orders add up. */
import test from 'ava';
import { auditOver } from '#local/commands/audit.ts';
import { demoGroceries } from '#local/stack/demo-supermarkets.ts';
import { seedSupermarkets } from '#local/stack/seed.ts';
import { MAX_SKU_BYTES } from '#services/fields.ts';
import { connectManagement } from '#shared/bus/topology/management.ts';
import { type Documents, openDocuments } from '#test/support/documents.ts';
import { ANY_INSPECTOR_PORT, type Heap, openHeap } from '#test/support/heap.ts';
import { createShop, type Shop } from '#test/support/place.ts';
import { startStack, type TestStack } from '#test/support/stack.ts';

interface Priced {
  readonly total: { readonly amount: number };
  readonly lines: readonly {
    readonly sku: string;
    readonly quantity: number;
    readonly amount: number;
    readonly strategy: { readonly version: string };
  }[];
  readonly traceId: string;
}

let stack: TestStack;
let shop: Shop;
let documents: Documents;
let heap: Heap;
const SWAPPED = '/v1/pricing/strategies/GR1';
const PLAIN_PRICE = 'export default ({ quantity, price }) => quantity * price;';

test.before(async () => {
  process.env['NODE_OPTIONS'] = ANY_INSPECTOR_PORT;
  stack = await startStack({ goods: demoGroceries });
  delete process.env['NODE_OPTIONS'];
  shop = createShop(stack);
  documents = await openDocuments(stack);
  await seedSupermarkets(stack.api);
  heap = await openHeap(stack, 'services');
});
test.after.always(async () => {
  heap?.close();
  await documents?.close();
  await stack?.stop();
});

const priced = (supermarketId: string, userId: string, items: readonly unknown[]) =>
  stack.api.post<Priced>('/v1/baskets/price', { supermarketId, userId, items });

async function counts(): Promise<readonly number[]> {
  return Promise.all(['baskets', 'requests'].map((name) => documents.count(name)));
}

test.serial(
  'a swap during three hundred baskets at once: each total is explained by the versions that its lines name; nothing is left of them',
  async (t) => {
    const before = await stack.api.get<{ active: { version: string } }>(`${SWAPPED}?supermarket=north`);
    const first = before.body.active.version;
    const put = await stack.api.put<{ version: string }>(`${SWAPPED}?supermarket=north`, { source: PLAIN_PRICE });
    t.is(put.status, 201, JSON.stringify(put.body));
    const second = put.body.version;
    const expected = new Map([
      [first, (n: number) => Math.ceil(n / 2) * 311],
      [second, (n: number) => n * 311],
    ]);
    const atFirst = await counts();
    const activate = (version: string) => stack.api.post(`${SWAPPED}/activate?supermarket=north`, { version });
    const answers = await Promise.all([
      ...Array.from({ length: 300 }, (_, n) =>
        priced('north', `user-${n % 20}`, [{ sku: 'GR1', quantity: 1 + (n % 7) }, 'MF1']),
      ),
      activate(first).then(() => activate(second)),
    ]);
    for (const answer of answers.slice(0, 300)) {
      const { status, body } = answer as Awaited<ReturnType<typeof priced>>;
      t.is(status, 200, JSON.stringify(body));
      const [green, muffin] = body.lines;
      t.is(expected.get(green!.strategy.version)?.(green!.quantity), green!.amount);
      t.is(muffin!.amount, 500);
      t.is(body.total.amount, green!.amount + 500);
    }
    const [baskets, requests] = await counts();
    t.is(baskets, atFirst[0]);
    t.is(requests, atFirst[1]! + 2, 'the two activations');
  },
);

test.serial('a kept basket is ordered at what it shows, and the audit recomputes each line', async (t) => {
  await shop.topUp('alice', 10_000);
  const path = '/v1/baskets/north/alice';
  for (const [sku, quantity] of [
    ['CF1', 3],
    ['SR1', 4],
  ] as const)
    t.is((await stack.api.put(`${path}/items/${sku}`, { quantity })).status, 200);
  const shown = await stack.api.get<Priced>(path);
  t.is(shown.body.total.amount, 2246 + 1800);
  const ordered = await stack.api.post<{ id: string }>(`${path}/checkout`, { email: 'alice@example.org' });
  t.is(ordered.status, 202, JSON.stringify(ordered.body));
  const { order } = await shop.ended(ordered.body.id);
  t.is(order.status, 'completed');
  t.is(order.total.amount, shown.body.total.amount);
  t.deepEqual((await auditOver(stack.api, { graceMs: 300 })).items, []);
  await documents.db
    .collection('orders')
    .updateOne({ _id: ordered.body.id } as never, { $inc: { 'state.details.priced.0.amount': -1 } });
  const { items } = await auditOver(stack.api, { graceMs: 300 });
  t.true(
    items.some(({ check }) => check === 'priced'),
    JSON.stringify(items),
  );
});

/** All queues, private ones among them, and how many documents each collection has; on a slow machine a gate has a history. */
async function kept(): Promise<object> {
  const queues = await connectManagement(stack.managementUrl).get<readonly { readonly name: string }[]>(
    `/queues/${stack.vhost}?columns=name`,
  );
  const collections = (await documents.db.listCollections()).filter(({ name }) => name !== 'breaker_transitions');
  const found = await Promise.all(collections.map(async ({ name }) => [name, await documents.count(name)] as const));
  return { queues: queues?.map(({ name }) => name).toSorted(), documents: Object.fromEntries(found) };
}

/** The time series of the services that take part. */
async function series(): Promise<readonly string[]> {
  const texts = ['gateway', 'basket', 'pricing'].map(async (name) =>
    (await fetch(`${stack.urls[name]}/metrics`)).text(),
  );
  const lines = (await Promise.all(texts)).flatMap((text) => text.split('\n'));
  return lines.flatMap((line) => /^(switchyard_[^ ]+) /.exec(line)?.[1] ?? []).toSorted();
}

const UNKNOWN = 20_000;
const IN_ONE = 1000;
/** The text of each SKU, kept anywhere in the process, would be more. */
const BYTES_EACH = MAX_SKU_BYTES;
/** What is kept of SKUs grows in each; code that is compiled meanwhile is there once. */
const ROUNDS = 2;

test.serial(
  'ten baskets of ten thousand items at once are answered, and twenty thousand unknown SKUs named, twice; nothing of them is left',
  async (t) => {
    const unknown = async (from: number): Promise<void> => {
      const items = Array.from({ length: IN_ONE }, (_, n) => `unknown-${from + n}`.padEnd(MAX_SKU_BYTES, '-'));
      const { status, body } = await stack.api.post<{ skus: readonly string[] }>('/v1/baskets/price', {
        supermarketId: 'north',
        userId: 'bob',
        items: ['GR1', ...items],
      });
      t.true([422, 503, 504].includes(status), JSON.stringify(body));
      if (status === 422) t.is(body.skus.length, 100);
    };
    const large = Array.from({ length: 10_000 }, (_, n) => ['GR1', 'MF1', 'CF1'][n % 3]);
    const some = () => Promise.all(Array.from({ length: 10 }, (_, n) => priced('north', `large-${n}`, large)));
    await some();
    for (let from = -3; from < 0; from += 1) await unknown(from * IN_ONE);
    const [before, seriesBefore, linesBefore] = [await kept(), await series(), stack.logs().length];
    const bytes = [await heap.bytes()];
    for (let round = 0; round < ROUNDS; round += 1) {
      const began = Date.now();
      for (const { status, body } of await some()) {
        t.is(status, 200, JSON.stringify(body));
        t.deepEqual(
          body.lines.map(({ quantity }) => quantity),
          [3333, 3334, 3333],
        );
      }
      t.log(`ten large baskets: ${Date.now() - began} ms`);
      for (let from = 0; from < UNKNOWN; from += IN_ONE) await unknown(round * UNKNOWN + from);
      t.log(`with the unknown ones: ${Date.now() - began} ms`);
      bytes.push(await heap.bytes());
    }
    t.deepEqual(await kept(), before);
    t.deepEqual(await series(), seriesBefore);
    const grown = bytes.slice(1).map((atEnd, round) => atEnd - bytes[round]!);
    t.log(`heap: ${bytes.join(', ')} bytes`);
    t.true(Math.min(...grown) < UNKNOWN * BYTES_EACH, `grown by ${grown.join(' and ')} bytes`);
    const lines = stack.logs().length - linesBefore;
    t.true(lines < 4 * ROUNDS * (UNKNOWN / IN_ONE + 10), `${lines} lines of log`);
  },
);
