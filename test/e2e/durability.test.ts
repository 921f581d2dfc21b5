import test from 'ava';
import { createShop } from '#test/support/place.ts';
import { holdAll, readRest } from '#test/support/rest.ts';
import { SHORT_TIMES, startStack, type TestStack } from '#test/support/stack.ts';
import { createTraffic } from '#test/support/traffic.ts';
import { tail, until } from '#test/support/until.ts';

const everything = ['services', 'database', 'broker'];
let stack: TestStack;

test.before(async () => {
  stack = await startStack({
    env: { ...SHORT_TIMES, SAGA_DEADLINE_MS: '60000', RESEND_BASE_MS: '1000' },
    ownBroker: true,
    ownDatabase: true,
  });
});
test.after.always(async () => stack?.stop());

test('everything killed at once, twice, while orders run: what was accepted is there afterwards and ends', async (t) => {
  const shop = createShop(stack);
  const traffic = createTraffic(shop, stack);
  for (let round = 0; round < 2; round += 1) {
    const load = traffic.stream(20, 20);
    load.catch(() => {}); // awaited below
    const wanted = round * 20 + 8;
    await until(
      'some are accepted, none of them may be lost',
      () => traffic.accepted.size,
      (count) => count >= wanted,
    );
    for (const name of everything) stack.kill(name);
    await stack.ready(180_000).catch((cause: unknown) => {
      throw new Error(`${String(cause)}\n${tail(stack.logs(), '', 80)}`, { cause });
    });
    await load;
  }
  for (const orderId of traffic.accepted) t.is((await shop.order(orderId)).id, orderId);
  await traffic.allEnded(120_000);
  t.is(traffic.accepted.size, 40);
  holdAll(t, await readRest(shop, traffic, true));
});
