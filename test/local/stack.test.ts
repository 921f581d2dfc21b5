import test from 'ava';
import { placeAndFollow } from '#local/follow.ts';
import { seedCustomers } from '#local/seed.ts';
import { until } from '#local/trouble.ts';
import { startStack } from '#test/support/stack.ts';

const order = { customer: 'alice', amount: 1299, currency: 'EUR', method: 'pm_ok' };

for (const processes of ['one-each', 'one'] as const) {
  test.serial(`an order travels its thirteen steps, processes: ${processes}`, async (t) => {
    await using stack = await startStack({ processes });
    await seedCustomers(stack.api);
    await seedCustomers(stack.api);
    const wallet = await stack.api.get<{ available: { amount: number } }>('/v1/wallets/alice');
    t.is(wallet.body.available.amount, 1_000_000);
    const said: string[] = [];
    t.is(await placeAndFollow(stack.api, order, (text) => said.push(text), 30_000), 'completed');
    const numbers = said.flatMap((text) => /^ +(\d+) {2}\S/.exec(text)?.[1] ?? []);
    t.deepEqual(numbers, ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13']);
  });
}

test.serial('a killed service is started again while the others stay, and goes on with its orders', async (t) => {
  await using stack = await startStack();
  await seedCustomers(stack.api);
  const others = ['order', 'payment', 'saga', 'gateway'].map((name) => stack.process(name).pid());
  const before = stack.process('wallet').pid();
  stack.kill('wallet');
  t.is(await placeAndFollow(stack.api, order, () => {}, 60_000), 'completed');
  t.not(stack.process('wallet').pid(), before);
  t.is(stack.process('wallet').restarts(), 1);
  t.deepEqual(
    ['order', 'payment', 'saga', 'gateway'].map((name) => stack.process(name).pid()),
    others,
  );
});

test.serial('a broker of its own comes back with its queues after it was killed', async (t) => {
  await using stack = await startStack({ ownBroker: true, ownDatabase: true });
  await seedCustomers(stack.api);
  stack.kill('database');
  stack.kill('broker');
  await until('a second life of the broker', 60_000, async () => stack.process('broker').restarts() > 0);
  await until('readiness', 90_000, async () => stack.ready(2000).then(() => true));
  t.is(await placeAndFollow(stack.api, order, () => {}, 60_000), 'completed');
});
