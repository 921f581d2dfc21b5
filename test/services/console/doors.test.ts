/** Two doors over one table of endpoints: the customers' and, for operators alone, the console. */
import test, { type ExecutionContext } from 'ava';
import { createMemoryActs } from './acts-world.ts';
import { auditsOf } from './audit-world.ts';
import { createFakeLetters } from './letters-world.ts';
import { actShape } from '#services/console/acts.ts';
import { anOrder, startWorld } from '#test/services/gateway/world.ts';

const operator = { as: 'root', role: 'operator' } as const;
const faults = { apply: async () => {}, read: async () => ({}), close: async () => {} };

async function worldOf(t: ExecutionContext, options: Parameters<typeof startWorld>[0] = {}) {
  const acts = createMemoryActs();
  const world = await startWorld({ faults, deadLetters: createFakeLetters(), audits: auditsOf(), acts, ...options });
  t.teardown(world.stop);
  return { ...world, acts };
}

test('both doors answer the same paths; the console answers nobody but operators', async (t) => {
  const customers = await worldOf(t);
  const console = await worldOf(t, { door: 'operators' });
  type Paths = Readonly<Record<string, Readonly<Record<string, { readonly security?: readonly object[] }>>>>;
  const pathsOf = async (world: typeof console): Promise<Paths> =>
    (await world.call('GET', '/openapi.json')).body['paths'] as Paths;
  const paths = await pathsOf(console);
  t.deepEqual(Object.keys(paths).toSorted(), Object.keys(await pathsOf(customers)).toSorted());
  let asked = 0;
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { security }] of Object.entries(methods)) {
      if (security?.length === 0) continue;
      const told = `${method} ${path}`;
      const at = path.replaceAll(/\{\w+\}/g, 'x');
      t.is((await console.call(method.toUpperCase(), at, { as: 'alice' })).status, 403, told);
      t.is((await console.call(method.toUpperCase(), at)).status, 401, told);
      asked += 1;
    }
  }
  t.true(asked > 30, String(asked));
});

test('at the console an operator sees what a customer ordered, and places an order for one', async (t) => {
  const { call, orders, acts } = await worldOf(t, { door: 'operators' });
  orders.set('o1', { id: 'o1', customerId: 'alice', status: 'pending', createdAt: new Date().toISOString() });
  t.is((await call('GET', '/v1/orders/o1', operator)).status, 200);
  t.is((await call('POST', '/v1/orders', { ...operator, body: anOrder() })).status, 202);
  t.deepEqual(acts.all, [], 'what customers may do as well is no act');
});

for (const door of [undefined, 'operators'] as const) {
  test(`who did what, to what, why, and how it was answered is recorded: ${door ?? 'customers'}`, async (t) => {
    const { call, acts } = await worldOf(t, door && { door });
    const reason = 'the provider is down until noon';
    await call('PUT', '/v1/faults/payment', { ...operator, body: { latencyMs: 5 } });
    await call('PUT', '/v1/breakers/payment/override', {
      ...operator,
      body: { state: 'open', expiresInMs: 1000, reason },
    });
    await call('GET', '/v1/faults/payment', operator);
    await call('PUT', '/v1/faults/payment', { as: 'alice', body: {} });
    const at = acts.all.map(({ id: _, at: __, ...act }) => act);
    const by = { by: 'root', method: 'PUT' };
    t.deepEqual(at, [
      { ...by, operation: 'setFaults', path: '/v1/faults/payment', status: 200 },
      {
        ...by,
        operation: 'overrideBreaker',
        path: '/v1/breakers/payment/override',
        reason,
        status: 503,
        problem: 'dependency-unavailable',
      },
    ]);
    const first = await call('GET', '/v1/acts?limit=1', operator);
    const [newest = {}] = first.body['items'] as object[];
    t.notThrows(() => actShape.parse(newest));
    t.like(newest, { operation: 'overrideBreaker' });
    const next = await call('GET', `/v1/acts?limit=1&cursor=${String(first.body['nextCursor'])}`, operator);
    t.like((next.body['items'] as object[])[0], { operation: 'setFaults' });
  });
}
