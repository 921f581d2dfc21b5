import type { Run } from './conformance-run.ts';
import { pair } from './conformance-publishing.ts';
import { collect, idOf, packet } from '#test/support/broker-world.ts';
import { untilTrue } from '#test/support/until.ts';
import type { Consumer, Delivery } from '#shared/bus/bus.ts';
import { BrokerRefusal } from '#shared/bus/broker-refusal.ts';

const numbered = (count: number, from = 0): string[] => Array.from({ length: count }, (_, index) => `m${from + index}`);

/** Without a delivery limit RabbitMQ 3.10 puts what comes back at the end of the queue. */
export function consuming(run: Run): void {
  run('a consumer gets no more than its prefetch before it acknowledges', async (t, world) => {
    const session = await world.session();
    const bus = await world.connect('a');
    await pair(session, 'q');
    await Promise.all(numbered(10).map((id) => bus.publish('q', packet(id))));
    const { got, ids, consumer } = await collect(bus, 'q', 3);
    await untilTrue(() => got.length === 3);
    t.is(await session.depth('q'), 7);
    t.is(got.length, 3);
    consumer.ack(got.slice(0, 2));
    await untilTrue(() => got.length === 5);
    t.is(await session.depth('q'), 5);
    t.deepEqual(ids(), numbered(5));
    t.deepEqual(
      got.map(({ tag }) => tag),
      [1, 2, 3, 4, 5],
    );
  });

  run(
    'a delivery comes with its registration, which can acknowledge it before consume has resolved',
    async (t, world) => {
      const session = await world.session();
      const bus = await world.connect('a');
      await pair(session, 'q');
      await Promise.all(numbered(10).map((id) => bus.publish('q', packet(id))));
      const registrations = new Set<Consumer>();
      const consumer = await bus.consume('q', {
        prefetch: 1,
        onChannelLost() {},
        onDelivery(delivery, registration) {
          registrations.add(registration);
          registration.ack([delivery]);
        },
      });
      await untilTrue(async () => (await session.depth('q')) === 0);
      t.deepEqual([...registrations], [consumer]);
    },
  );

  run('acknowledging in any order, twice or in part leaves exactly the rest', async (t, world) => {
    const session = await world.session();
    const bus = await world.connect('a');
    await pair(session, 'q');
    await Promise.all(numbered(10).map((id) => bus.publish('q', packet(id))));
    const first = await collect(bus, 'q');
    await untilTrue(() => first.got.length === 10);
    const at = (...indexes: number[]): Delivery[] => indexes.map((index) => first.got[index] as Delivery);
    first.consumer.ack(at(5, 2));
    first.consumer.ack(at(0, 1, 2));
    first.consumer.ack(at(3));
    first.consumer.ack(at(8, 5, 0));
    first.consumer.ack([]);
    await first.consumer.close();
    const second = await collect(bus, 'q');
    await untilTrue(() => second.got.length === 4);
    t.deepEqual(second.ids(), ['m4', 'm6', 'm7', 'm9']);
    t.true(second.got.every(({ redelivered }) => redelivered));
    second.consumer.ack(second.got);
    await second.consumer.close();
    const third = await collect(bus, 'q');
    await bus.publish('q', packet('last'));
    await untilTrue(() => third.got.length > 0);
    t.deepEqual(third.ids(), ['last']);
  });

  run(
    'only one of several consumers is active, and the next one continues in order when its channel closes',
    async (t, world) => {
      const session = await world.session();
      const [a, b] = await Promise.all([world.connect('a'), world.connect('b')]);
      await pair(session, 'q', { 'x-single-active-consumer': true, 'x-delivery-limit': 100 });
      const first = await collect(a, 'q', 50);
      const second = await collect(b, 'q', 50);
      const publishes = numbered(400).map((id) => b.publish('q', packet(id)));
      // Works and acknowledges while it hands over: the dangerous moment.
      const pump = async (): Promise<void> => {
        for (let done = 0; done < 120; done += 1) {
          await untilTrue(() => first.got.length > done);
          first.consumer.ack([first.got[done] as Delivery]);
        }
      };
      await pump();
      t.deepEqual(second.got, []);
      await first.consumer.close();
      await Promise.all(publishes);
      const last = (): string | undefined => second.ids().at(-1);
      let acknowledged = 0;
      await untilTrue(() => {
        second.consumer.ack(second.got.slice(acknowledged));
        acknowledged = second.got.length;
        return last() === 'm399';
      });
      t.deepEqual(first.ids(), numbered(first.got.length));
      // The last acknowledgements before the close may come too late: what was handled comes again, nothing is left out.
      const from = Number(second.ids()[0]?.slice(1));
      t.true(from <= 120, `${from}`);
      t.deepEqual(second.ids(), numbered(400 - from, from));
    },
  );

  run(
    'after a lost connection the consumer registers again and what it held comes again, in order',
    async (t, world) => {
      const session = await world.session();
      const bus = await world.connect('a');
      await pair(session, 'q', { 'x-single-active-consumer': true, 'x-delivery-limit': 100 });
      await Promise.all(numbered(6).map((id) => session.publish('q', packet(id))));
      const { got, lost, ids, consumer } = await collect(bus, 'q', 4);
      await untilTrue(() => got.length === 4);
      const before = got.splice(0);
      consumer.ack(before.slice(0, 1));
      await untilTrue(() => got.length === 1);
      before.push(...got.splice(0));
      world.cut('a');
      await untilTrue(() => got.length === 4);
      t.deepEqual(lost, [before[0]?.channel as number]);
      t.deepEqual(ids(), numbered(4, 1));
      t.true(got.every(({ channel }) => channel !== lost[0]));
      t.deepEqual(
        got.map(({ redelivered }) => redelivered),
        [true, true, true, true],
      );
      // The right to acknowledge is gone with the channel: these tags mean other messages now.
      consumer.ack(before);
      consumer.ack(got.slice(0, 1));
      await untilTrue(() => got.length === 5);
      await consumer.close();
      const next = await collect(bus, 'q');
      await untilTrue(() => next.got.length === 4);
      t.deepEqual(next.ids(), numbered(4, 2));
      await untilTrue(() => bus.connected);
    },
  );

  run('a closed consumer hears nothing more and can be closed again', async (t, world) => {
    const session = await world.session();
    const bus = await world.connect('a');
    await pair(session, 'q');
    const { got, lost, consumer } = await collect(bus, 'q');
    t.true(consumer.active);
    await consumer.close();
    await consumer.close();
    t.false(consumer.active);
    await bus.publish('q', packet('m'));
    t.is(await session.depth('q'), 1);
    t.deepEqual([got, lost], [[], []]);
    t.true(bus.connected);
  });

  run('closing the bus gives back what was not acknowledged, and only that', async (t, world) => {
    const session = await world.session();
    const [a, b] = await Promise.all([world.connect('a'), world.connect('b')]);
    await pair(session, 'q', { 'x-delivery-limit': 100 });
    await Promise.all(numbered(10).map((id) => b.publish('q', packet(id))));
    const first = await collect(a, 'q');
    await untilTrue(() => first.got.length === 10);
    first.consumer.ack(first.got.slice(0, 4));
    await a.close();
    first.consumer.ack(first.got);
    const second = await collect(b, 'q');
    await untilTrue(() => second.got.length === 6);
    t.deepEqual(second.ids(), numbered(6, 4));
    t.deepEqual(first.lost, []);
  });

  run('a queue that does not exist cannot be consumed', async (t, world) => {
    const session = await world.session();
    const bus = await world.connect('a');
    const refusal = await t.throwsAsync(collect(bus, 'nowhere'), { instanceOf: BrokerRefusal });
    t.is(refusal?.code, 'missing');
    await pair(session, 'q');
    const { got } = await collect(bus, 'q');
    await bus.publish('q', packet('m'));
    await untilTrue(() => got.length === 1);
  });

  run('two consumers on one bus have channels of their own', async (t, world) => {
    const session = await world.session();
    const bus = await world.connect('a');
    await Promise.all([pair(session, 'p'), pair(session, 'q')]);
    const [p, q] = await Promise.all([collect(bus, 'p'), collect(bus, 'q')]);
    await Promise.all([bus.publish('p', packet('1')), bus.publish('q', packet('2'))]);
    await untilTrue(() => p.got.length + q.got.length === 2);
    t.not(p.got[0]?.channel, q.got[0]?.channel);
    // Not its own: dropped.
    p.consumer.ack(q.got);
    await q.consumer.close();
    const again = await collect(bus, 'q');
    await untilTrue(() => again.got.length === 1);
    t.is(idOf(again.got[0] as Delivery), '2');
  });
}
