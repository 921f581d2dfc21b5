/** The version before categories and this one, side by side on one broker and database, with clients of the version before and the migration in the middle. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test from 'ava';
import { createConnection } from 'mongoose';
import { auditOver } from '#local/commands/audit.ts';
import { rebuild } from '#shared/database/rebuilding.ts';
import { schemaStore } from '#shared/database/schema.ts';
import { labelOf } from '#shared/saga/definition.ts';
import { placeOrder } from '#services/saga/place-order-versions.ts';
import { orderLogsProjection } from '#services/saga/logs-view.ts';
import { checkOut, commitBefore, startBeside } from '#test/support/beside.ts';
import { type OldClients, startOldClients } from '#test/support/old-clients.ts';
import { createShop } from '#test/support/place.ts';
import { SHORT_TIMES, startStack } from '#test/support/stack.ts';
import { testIf } from '#test/support/test-if.ts';
import { tail, until } from '#test/support/until.ts';

/** A message must outlast a hand-over between two versions, on a busy machine too, or the gate refuses what comes next. */
const TIMES = {
  ...SHORT_TIMES,
  MESSAGE_TTL_MS: '10000',
  GATE_CYCLE_MS: '12000',
  STEP_DEADLINE_MS: '30000',
  SAGA_DEADLINE_MS: '90000',
};
const before = commitBefore('services/category/contract.ts');
const title =
  'clients of the version before see no failed request while it and this one run side by side, the database is migrated, and back';

testIf(before !== undefined, 'this clone has not the history that the version before is taken from')(
  title,
  async (t) => {
    t.timeout(600_000);
    const stack = await startStack({ env: TIMES });
    t.teardown(() => stack.stop());
    const shop = createShop(stack);
    await shop.topUp('old-client', 100_000_000);
    const migrate = async (...args: readonly string[]): Promise<string> => {
      const env = { ...process.env, MONGO_URL: stack.mongoUrl };
      return (await promisify(execFile)(process.execPath, ['local/commands/migrate.ts', ...args], { env })).stdout;
    };
    const db = await createConnection(stack.mongoUrl).asPromise();
    t.teardown(() => db.close());
    const orders: string[] = [];
    let answers = 0;
    const ended = async (clients: OldClients): Promise<void> => {
      t.deepEqual(await clients.stop(), []);
      orders.push(...clients.orders);
      answers += clients.answers;
    };
    const start = (apiUrl: string, label: string): OldClients => {
      const clients = startOldClients(apiUrl, stack.operatorToken, label);
      t.teardown(async () => void (await clients.stop()));
      return clients;
    };
    const served = (clients: OldClients, count: number) =>
      until(
        'the clients are served',
        () => clients.answers,
        (had) => had >= count,
      );

    // Back: this version serves while the database goes back. Its orders end before the version before joins and goes on alone: that has not their road.
    const atNew = start(stack.apiUrl, 'back');
    await served(atNew, 10);
    t.regex(await migrate('down'), /taken back: 0001-product-categories/);
    await served(atNew, atNew.answers + 10);
    await ended(atNew);
    for (const orderId of atNew.orders) await shop.ended(orderId);
    const old = await startBeside(stack, checkOut(before!, stack), 'before');
    t.teardown(() => old.stop());
    const atOld = start(old.apiUrl, 'old');
    await served(atOld, 20);
    await stack.process('services').stop();
    const alone = atOld.answers;
    await served(atOld, alone + 40);

    // Up, by two at once, while only the version before serves.
    const said = await Promise.all([migrate('up'), migrate('up')]);
    t.is(said.filter((text) => text.includes('applied: 0001-product-categories')).length, 1, said.join());
    t.is(said.filter((text) => text.includes('nothing to do')).length, 1, said.join());
    t.is((await migrate('up')).trim(), 'nothing to do');
    t.deepEqual(
      (await schemaStore(db).read()).applied.map(({ name }) => name),
      ['0001-product-categories'],
    );
    await served(atOld, atOld.answers + 20);

    // Both side by side, then this version alone.
    stack.process('services').start();
    await stack.ready();
    const again = start(stack.apiUrl, 'new');
    await served(again, 40);
    await served(atOld, atOld.answers + 20);
    await ended(atOld);
    await old.stop();
    await served(again, again.answers + 20);

    // Categories, while the clients that know nothing of them go on.
    const made = await stack.api.post<{ readonly id: string }>('/v1/categories', { name: 'Reading' });
    t.is(made.status, 201);
    t.is((await stack.api.post('/v1/categories', { name: 'reading' })).status, 409);
    const { id } = made.body;
    for (const sku of ['new-0', 'old-0', 'new-0']) {
      const linked = await stack.api.put(`/v1/products/${sku}/categories/${id}`, undefined);
      t.is(linked.status, 204, sku);
    }
    type Listed = { readonly items: readonly { readonly sku: string; readonly categories?: readonly string[] }[] };
    const { body } = await stack.api.get<Listed>(`/v1/products?category=${id}`);
    t.deepEqual(body.items.map(({ sku, categories }) => [sku, categories]).toSorted(), [
      ['new-0', [id]],
      ['old-0', [id]],
    ]);
    await ended(again);

    t.log(`${answers} answers, ${orders.length} orders`);
    const roads = new Map<string, number>();
    for (const orderId of orders) {
      const { order, timeline } = await shop.ended(orderId);
      const story = () => `${JSON.stringify(timeline, null, 1)}\n${tail(stack.logs(), orderId)}`;
      t.is(order.status, 'completed', order.status === 'completed' ? orderId : story());
      const client = atNew.orders.includes(orderId) ? 'alone' : atOld.orders.includes(orderId) ? 'beside' : 'again';
      const road = `${client}: ${timeline.definition}`;
      roads.set(road, (roads.get(road) ?? 0) + 1);
    }
    t.log(Object.fromEntries(roads));
    // Beside a copy that cannot run the newest road no order takes it; before and after that all do.
    const newest = labelOf(placeOrder);
    const all = [...roads.keys()];
    t.deepEqual(
      all.filter((road) => road.startsWith('alone')),
      [`alone: ${newest}`],
    );
    t.deepEqual(
      all.filter((road) => road.startsWith('beside')),
      ['beside: place-order@3'],
    );
    t.deepEqual(all.filter((road) => road.startsWith('again')).toSorted(), [
      'again: place-order@3',
      `again: ${newest}`,
    ]);
    t.like(
      await rebuild(db, orderLogsProjection),
      { written: 0, removed: 0 },
      'every change was logged when it happened',
    );
    const { items } = await auditOver(stack.api, { graceMs: 500 });
    // The version before keeps no stock of what it creates.
    t.deepEqual(
      items.filter(({ check }) => check !== 'one-stock'),
      [],
    );
  },
);

test('the commit before a path that never came is not known', (t) => {
  t.is(commitBefore('services/never/contract.ts'), undefined);
});
