import test from 'ava';
import { placeAndFollow } from '#local/commands/follow.ts';
import { seedCustomers } from '#local/stack/seed.ts';
import { patientManagement } from '#test/support/management.ts';
import { until } from '#test/support/until.ts';
import { orderBody } from '#test/support/place.ts';
import { startStack } from '#test/support/stack.ts';

const order = { customer: 'alice', sku: 'book', quantity: 1, method: 'pm_ok' };

for (const processes of ['one-each', 'one'] as const) {
  test.serial(`an order travels its thirteen steps, processes: ${processes}`, async (t) => {
    await using stack = await startStack({ processes });
    await seedCustomers(stack.api);
    await seedCustomers(stack.api);
    const wallet = await stack.api.get<{ available: { amount: number } }>('/v1/wallets/alice');
    t.is(wallet.body.available.amount, 1_000_000);
    const said: string[] = [];
    t.is(await placeAndFollow(stack.api, order, { say: (text) => said.push(text), limitMs: 30_000 }), 'completed');
    const numbers = said.flatMap((text) => /^ +(\d+) {2}\S/.exec(text)?.[1] ?? []);
    t.deepEqual(numbers, ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13']);
  });
}

test.serial('a killed service is started again while the others stay, and goes on with its orders', async (t) => {
  await using stack = await startStack({ apart: ['wallet', 'order'] });
  await seedCustomers(stack.api);
  const pids = () => ['services', 'order'].map((name) => stack.process(name).pid());
  const others = pids();
  const before = stack.process('wallet').pid();
  stack.kill('wallet');
  t.is(await placeAndFollow(stack.api, order, { say() {}, limitMs: 60_000 }), 'completed');
  t.not(stack.process('wallet').pid(), before);
  t.is(stack.process('wallet').restarts(), 1);
  t.deepEqual(pids(), others);
});

test.serial('all services in one process: killed, they come back together and go on with their orders', async (t) => {
  await using stack = await startStack({ processes: 'one' });
  await seedCustomers(stack.api);
  const { body } = await stack.api.post<{ id: string }>(
    '/v1/orders',
    orderBody({ customerId: 'alice', paymentMethod: 'pm_slow' }),
    {
      'idempotency-key': 'killed-on-its-way',
    },
  );
  stack.kill('services');
  await until('a second life', async () => stack.process('services').restarts() === 1, Boolean, { limitMs: 30_000 });
  await until('readiness of every service', async () => stack.ready(2000).then(() => true), Boolean);
  const ended = () => stack.api.get<{ status: string }>(`/v1/orders/${body.id}`);
  await until('the end of the order', ended, (found) => found.body.status === 'completed');
  t.is(await placeAndFollow(stack.api, order, { say() {}, limitMs: 60_000 }), 'completed');
});

test.serial('a broker of its own comes back with its queues after it was killed', async (t) => {
  await using stack = await startStack({ ownBroker: true, ownDatabase: true });
  await seedCustomers(stack.api);
  stack.kill('database');
  stack.kill('broker');
  await until('a second life of the broker', async () => stack.process('broker').restarts() > 0, Boolean);
  // Services may not have noticed yet that it was gone, and be ready all the while.
  await patientManagement(stack.managementUrl).get('/overview');
  await until('readiness', async () => stack.ready(2000).then(() => true), Boolean, { limitMs: 90_000 });
  const placed = () => placeAndFollow(stack.api, order, { say() {}, limitMs: 60_000 });
  t.is(await until('an order is taken', placed, Boolean), 'completed');
});

interface Worker {
  readonly worker: string;
  readonly partitions: { readonly owner: readonly string[]; readonly standby: readonly string[] };
}

test.serial(
  'three workers of a service share its partitions, all hear of faults, and one that dies comes back',
  async (t) => {
    await using stack = await startStack({ workers: { payment: 3 } });
    await seedCustomers(stack.api);
    t.deepEqual(
      Object.keys(stack.urls)
        .filter((name) => name.startsWith('payment'))
        .toSorted(),
      ['payment-1', 'payment-2', 'payment-3'],
    );
    const paymentWorkers = async (): Promise<readonly Worker[]> => {
      const { body } = await stack.api.get<{ items: readonly Worker[] }>('/v1/workers');
      return body.items.filter(({ worker }) => worker.startsWith('payment-'));
    };
    const sharesOf = (workers: readonly Worker[]): readonly number[] =>
      workers.map(({ partitions }) => partitions.owner.length).toSorted();
    await until('three equal shares', async () => sharesOf(await paymentWorkers()).join() === '2,3,3', Boolean, {
      limitMs: 20_000,
    });
    const takesOwners = async (): Promise<boolean> => {
      const { body } = await stack.api.get<{ items: { route: string; owner: string; active: string | null }[] }>(
        '/v1/partitions',
      );
      const own = body.items.filter(({ route }) => route === 'payment');
      return own.length === 8 && own.every(({ owner, active }) => owner === active);
    };
    await until('the broker to take each partition’s owner', takesOwners, Boolean, { limitMs: 30_000 });
    t.is(await placeAndFollow(stack.api, order, { say() {}, limitMs: 30_000 }), 'completed');

    const refusing = await stack.api.put('/v1/faults/payment', { refuseAt: ['payment.authorize'] });
    t.is(refusing.status, 200);
    // Their lines come through pipes, after the answer.
    const told = (): number => stack.logs().filter((line) => /payment-[123].*faults set/.test(line)).length;
    await until('all three to say that they were told', async () => told() === 3, Boolean, { limitMs: 20_000 });
    for (let index = 0; index < 6; index += 1)
      t.is(await placeAndFollow(stack.api, order, { say() {}, limitMs: 30_000 }), 'failed', 'whichever worker had it');
    t.is((await stack.api.put('/v1/faults/payment', {})).status, 200);

    stack.kill('payment-2');
    t.is(await placeAndFollow(stack.api, order, { say() {}, limitMs: 60_000 }), 'completed');
    await until('it to run again', async () => stack.process('payment-2').restarts() === 1, Boolean, {
      limitMs: 30_000,
    });
    await until('three equal shares again', async () => sharesOf(await paymentWorkers()).join() === '2,3,3', Boolean, {
      limitMs: 30_000,
    });
  },
);
