/** A broker that blocks publishing (memory, disk) and a database that is full: nothing that was accepted is lost, and it goes on by itself. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import mongoose from 'mongoose';
import { createShop, type Shop } from '#test/support/place.ts';
import { holdAll, readRest } from '#test/support/rest.ts';
import { SHORT_TIMES, startStack, type TestStack } from '#test/support/stack.ts';
import { createTraffic, type Traffic } from '#test/support/traffic.ts';
import { tail, until } from '#test/support/until.ts';
import { systemClock } from '#shared/clock.ts';

const MIB = 1024 * 1024;
let stack: TestStack;
let shop: Shop;
let traffic: Traffic;

test.before(async () => {
  stack = await startStack({
    env: { ...SHORT_TIMES, STEP_DEADLINE_MS: '60000', SAGA_DEADLINE_MS: '120000', RESEND_BASE_MS: '1000' },
    ownBroker: true,
    ownDatabase: true,
    databaseBytes: 16 * MIB,
  });
  shop = createShop(stack);
  traffic = createTraffic(shop, stack);
});
test.after.always(async () => stack?.stop());

/** Orders come while there is no room; when there is again, each that was accepted ends as it has to. */
async function survives(take: () => Promise<void>, give: () => Promise<void>) {
  const before = traffic.accepted.size;
  const load = traffic.stream(60, 10);
  load.catch(() => {}); // awaited below
  await until(
    'some are accepted',
    () => traffic.accepted.size,
    (count) => count >= before + 10,
  );
  await take();
  const keys: string[] = [];
  const probe = (key: string) => shop.request({ customerId: 'prober', amount: 1 }, { 'idempotency-key': key });
  const refusal = await until(
    'an order is refused',
    () => {
      keys.push(`probe-${systemClock.id()}`);
      return probe(keys.at(-1)!);
    },
    ({ status }) => status === 503,
    { show: () => tail(stack.logs(), 'gateway') },
  );
  await give();
  await load;
  await traffic.allEnded(120_000);
  // Those that were accepted, or may have been, are orders too, if only of a customer without a wallet.
  for (const key of keys) {
    const { body } = await until(
      `${key} is taken`,
      () => probe(key),
      ({ status }) => status === 202,
    );
    await shop.ended(body.id);
  }
  return refusal;
}

test.serial('the broker has no memory left: 503, and afterwards every accepted order ends', async (t) => {
  const limit = (share: string) =>
    promisify(execFile)(join(stack.dir, 'broker/rabbitmqctl'), ['set_vm_memory_high_watermark', share]);
  const read = async (service: string, path: string) => {
    const response = await fetch(new URL(path, stack.urls[service]));
    return { status: response.status, text: await response.text() };
  };
  const refusal = await survives(
    async () => void (await limit('0.000001')),
    async () => {
      // The broker tells those who tried to publish; the gateway just did.
      await until(
        'the gateway says that the broker blocks',
        () => read('gateway', '/readyz'),
        ({ status, text }) => status === 503 && /"broker":.*takes nothing from publishers/.test(text),
      );
      t.regex((await read('gateway', '/metrics')).text, /^switchyard_publishing_blocked\{.*\} 1$/m);
      await limit('0.4');
    },
  );
  t.like(refusal.body, { type: '/problems/dependency-unavailable' });
  t.truthy(refusal.headers.get('retry-after'));
  t.is(traffic.accepted.size, 60);
  holdAll(t, await readRest(shop, traffic, true));
});

test.serial('the database is full: 503, and with room again every accepted order ends', async (t) => {
  const connection = await mongoose.createConnection(stack.mongoUrl).asPromise();
  t.teardown(() => connection.close());
  const ballast = connection.collection('ballast');
  const refusal = await survives(
    async () => {
      const filling = async (): Promise<never> => {
        for (;;) await ballast.insertOne({ bytes: 'x'.repeat(MIB / 4) });
      };
      await t.throwsAsync(filling(), { message: /size limit/ });
    },
    async () => void (await ballast.deleteMany({})),
  );
  t.like(refusal.body, { type: '/problems/dependency-unavailable' });
  t.truthy(refusal.headers.get('retry-after'));
  t.is(traffic.accepted.size, 120);
  holdAll(t, await readRest(shop, traffic, true));
});
