/** How many messages an order takes from its acceptance to its end, counted on the in-memory broker. */
import test from 'ava';
import { createRoad } from '#test/town/road.ts';
import { routeTable } from '#services/services.ts';
import { askedSteps, type Definition } from '#shared/saga/definition.ts';
import { placeOrder, placeOrder2, placeOrder3 } from '#services/saga/place-order-versions.ts';

/** Published, and written to queues: an answer that two services hear is published once and written twice. */
async function count(definition: Definition) {
  const world = await createRoad({ roads: [definition] });
  // `order.place` comes from the gateway.
  const counted = { published: 1, written: 1 };
  world.lose((_packet, exchange) => {
    const name = exchange.replace(/\.(in|hash)$/, '');
    counted.published += 1;
    counted.written += routeTable.audiences?.[name]?.length ?? 1;
    return false;
  });
  await world.start();
  await world.ended();
  // The answer to the top-up that fills the wallet is not asked for, so it is not sent.
  return { ...counted, status: world.order?.status };
}

test('under the third version an order takes 18 messages, 20 with the copies that the order service hears', async (t) => {
  t.deepEqual(await count(placeOrder3), { published: 18, written: 20, status: 'completed' });
});

test('an order takes a command and an answer for each step, its own included, and a copy of each answer that somebody else hears', async (t) => {
  const steps = askedSteps(placeOrder);
  const published = 2 + 2 * steps.length;
  const heard = placeOrder.steps.length - steps.length;
  t.deepEqual(await count(placeOrder), { published, written: published + heard, status: 'completed' });
});

test('it took 22 when every step had a command and an answer of its own', async (t) => {
  t.deepEqual(await count(placeOrder2), { published: 22, written: 22, status: 'completed' });
});
