/** An order at every limit of its contract, over the whole road: nothing that follows from it is too large for anybody. */
import test, { type ExecutionContext } from 'ava';
import { place, type OrderDetails } from '#services/order/contract.ts';
import { encode } from '#shared/bus/envelope.ts';
import { inbox } from '#shared/bus/topology/topology.ts';
import { createRoad, type Road } from '#test/town/road.ts';
import { largest } from '#test/support/schema-walk.ts';

const LIMIT = 64 * 1024;
/** One byte, three bytes, four bytes, and one that JSON writes as two. */
const LETTERS = ['x', '顧', '😀', '"'];

/** Items are different, and the way to pay is a token as the payment service wants it. */
function largestOrder(letter: string): OrderDetails {
  const order = largest(place.body, letter) as OrderDetails;
  const items = order.items.map((item, n) => ({ ...item, sku: `${n}`.padStart(4, '0') + item.sku.slice(4) }));
  return { ...order, items, paymentMethod: `pm_${'x'.repeat(97)}` };
}

const worldOf = (letter: string) => createRoad({ order: place.body.parse(largestOrder(letter)) });

function isSmall(t: ExecutionContext, { homes }: Road): void {
  for (const [service, { largest: bytes }] of homes) t.true(bytes < LIMIT, `${service}: ${bytes} bytes`);
}

for (const letter of LETTERS) {
  test(`an order at every limit, in ${letter}: completed, the customer is told, no document is larger than 64 KB`, async (t) => {
    const world = await worldOf(letter);
    await world.start();
    await world.ended();
    t.is(world.order?.status, 'completed');
    t.is(world.timeline.milestones.length, 13);
    t.is(world.mails.length, 1);
    isSmall(t, world);
  });

  for (const { service, type } of [
    { service: 'order', type: 'order.place' },
    { service: 'delivery', type: 'delivery.dispatch' },
  ]) {
    test(`one in ${letter} whose ${type} waits in a stash while ${service} fails: completed all the same`, async (t) => {
      const world = await worldOf(letter);
      await world.fault(service, { crashAt: [type] });
      await world.start();
      await world.clock.advance(7000);
      await world.fault(service, {});
      await world.ended();
      t.is(world.order?.status, 'completed');
      t.is(world.broker.queue(`${service}.dead`).ready.length, 0);
      isSmall(t, world);
    });
  }

  test(`one in ${letter} that cannot be delivered: all is undone, the customer is told`, async (t) => {
    const world = await worldOf(letter);
    await world.fault('delivery', { refuseAt: ['delivery.dispatch'] });
    await world.start();
    await world.ended();
    t.is(world.order?.status, 'failed');
    t.is(world.mails.length, 1);
    isSmall(t, world);
  });

  test(`one in ${letter} that is placed again and again, under other ids: its document stays small`, async (t) => {
    const world = await worldOf(letter);
    await world.start();
    await world.ended();
    for (let n = 0; n < 60; n += 1) {
      world.broker.put(inbox('order'), encode({ ...world.placing, id: `again-${n}` }));
      // Half of them at once, the others one by one.
      if (n > 30) await world.clock.advance(100);
    }
    await world.clock.advance(1000);
    t.is(world.broker.queue('order.dead').ready.length, 0);
    t.is(world.order?.status, 'completed');
    t.is(world.mails.length, 1);
    isSmall(t, world);
  });
}
