/** Baskets over a real broker and database: what is uploaded prices the next one, nothing is left of what was asked, and orders add up. */
import test from 'ava';
import { auditOver } from '#local/commands/audit.ts';
import { demoGroceries } from '#local/stack/demo-supermarkets.ts';
import { seedSupermarkets } from '#local/stack/seed.ts';
import { type Documents, openDocuments } from '#test/support/documents.ts';
import { createShop, type Shop } from '#test/support/place.ts';
import { SHORT_TIMES, startStack, type TestStack } from '#test/support/stack.ts';

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
const SWAPPED = '/v1/pricing/strategies/GR1';
const PLAIN_PRICE = 'export default ({ quantity, price }) => quantity * price;';

test.before(async () => {
  stack = await startStack({ env: SHORT_TIMES, goods: demoGroceries });
  shop = createShop(stack);
  documents = await openDocuments(stack);
  await seedSupermarkets(stack.api);
});
test.after.always(async () => {
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
