import type { Run } from './conformance-run.ts';
import type { Bus, Session } from '#shared/bus/bus.ts';
import { PublishError } from '#shared/errors.ts';
import { systemClock } from '#shared/clock.ts';
import { collect, packet } from '#test/support/broker-world.ts';
import { untilTrue } from '#test/support/until.ts';

/** A fanout exchange with one quorum queue of the same name. */
export async function pair(
  session: Session,
  name: string,
  args: Record<string, string | number | boolean> = {},
): Promise<void> {
  await session.declareExchange({ name, type: 'fanout', arguments: {} });
  await session.declareQueue({ name, type: 'quorum', arguments: args });
  await session.bind({ source: name, destination: name, to: 'queue', routingKey: '' });
}

/** How each publish ended: `confirmed` or the code of its error. */
async function outcomes(publishes: readonly Promise<void>[]): Promise<string[]> {
  const settled = await Promise.allSettled(publishes);
  return settled.map((result) => {
    if (result.status === 'fulfilled') return 'confirmed';
    return result.reason instanceof PublishError ? result.reason.code : String(result.reason);
  });
}

const many = (bus: Bus, exchange: string, count: number): Promise<void>[] =>
  Array.from({ length: count }, (_, index) => bus.publish(exchange, packet(`m${index}`)));

export function publishing(run: Run): void {
  run('a packet arrives as it was published', async (t, world) => {
    const session = await world.session();
    const bus = await world.connect('a');
    await pair(session, 'q');
    const headers = {
      key: 'kläüß-🦊',
      deadline: 1_790_000_000_123,
      redriven: 3,
      negative: -70_000,
      flag: true,
      list: ['a', 1],
      table: { a: 'b' },
    };
    const sent = packet('m1', headers, '{"a":"é"}');
    await bus.publish('q', sent);
    const { got } = await collect(bus, 'q');
    await untilTrue(() => got.length === 1);
    t.deepEqual(got[0]?.packet, sent);
    t.is(got[0]?.redelivered, false);
    t.is(got[0]?.queue, 'q');
  });

  run('what can never be sent is refused at once, and disturbs nothing beside it', async (t, world) => {
    const session = await world.session();
    const bus = await world.connect('a');
    await pair(session, 'q');
    const strange = [
      packet('long', { key: '漢'.repeat(23_000) }),
      packet('no-number', { n: NaN }),
      packet('i'.repeat(256)),
      { ...packet('type'), type: '漢'.repeat(86) },
    ];
    const ended = await outcomes([
      ...many(bus, 'q', 20),
      ...strange.map((one) => bus.publish('q', one)),
      ...many(bus, 'q', 20),
    ]);
    t.deepEqual(ended, [...Array(20).fill('confirmed'), ...Array(4).fill('nacked'), ...Array(20).fill('confirmed')]);
    t.true(bus.connected);
    t.is(bus.blocked, undefined);
  });

  run('a packet without properties arrives without them', async (t, world) => {
    const session = await world.session();
    const bus = await world.connect('a');
    await pair(session, 'q');
    await bus.publish('q', { content: Buffer.from('?'), headers: {} });
    const { got } = await collect(bus, 'q');
    await untilTrue(() => got.length === 1);
    t.deepEqual(got[0]?.packet, { content: Buffer.from('?'), headers: {} });
  });

  run('what nothing is bound to comes back, everything else is confirmed', async (t, world) => {
    const session = await world.session();
    const bus = await world.connect('a');
    await session.declareExchange({ name: 'x', type: 'direct', arguments: {} });
    await session.declareQueue({ name: 'q', type: 'quorum', arguments: {} });
    await session.bind({ source: 'x', destination: 'q', to: 'queue', routingKey: 'yes' });
    const keys = Array.from({ length: 200 }, (_, index) => (index % 3 === 0 ? 'no' : 'yes'));
    // The same id each time: the answers must not be mixed up.
    const ended = await outcomes(keys.map((key) => bus.publish('x', packet('same'), key)));
    t.deepEqual(
      ended,
      keys.map((key) => (key === 'no' ? 'returned' : 'confirmed')),
    );
    t.is(await session.depth('q'), keys.filter((key) => key === 'yes').length);
  });

  run('a full queue refuses, and takes again when there is room', async (t, world) => {
    const session = await world.session();
    const bus = await world.connect('a');
    await pair(session, 'q', { 'x-max-length': 1, 'x-overflow': 'reject-publish' });
    const ended: string[] = [];
    await untilTrue(async () => {
      ended.push(...(await outcomes([bus.publish('q', packet('m'))])));
      return ended.includes('nacked');
    });
    t.is(ended[0], 'confirmed');
    const { got, consumer } = await collect(bus, 'q');
    await untilTrue(() => got.length > 0);
    consumer.ack(got);
    await untilTrue(async () => (await outcomes([bus.publish('q', packet('m'))]))[0] === 'confirmed');
  });

  run('a missing exchange returns the packet, and the bus goes on', async (t, world) => {
    const session = await world.session();
    const bus = await world.connect('a');
    await pair(session, 'q');
    t.deepEqual(await outcomes([bus.publish('nowhere', packet('m'))]), ['returned']);
    await untilTrue(async () => (await outcomes([bus.publish('q', packet('m'))]))[0] === 'confirmed');
  });

  run('a packet that cannot be sent is refused alone', async (t, world) => {
    const session = await world.session();
    const bus = await world.connect('a');
    await pair(session, 'q');
    const ended = await outcomes([
      bus.publish('q', packet('a')),
      bus.publish('q', packet('m', { long: 'x'.repeat(70_000) })),
      bus.publish('q', packet('b')),
    ]);
    t.deepEqual(ended, ['confirmed', 'nacked', 'confirmed']);
  });

  run('more than fit at once wait for room and all arrive, in order', async (t, world) => {
    const session = await world.session();
    const bus = await world.connect('a');
    await pair(session, 'q');
    const ended = await outcomes(many(bus, 'q', 3000));
    t.deepEqual(new Set(ended), new Set(['confirmed']));
    const { got, ids } = await collect(bus, 'q', 4000);
    await untilTrue(() => got.length === 3000);
    t.deepEqual(
      ids(),
      Array.from({ length: 3000 }, (_, index) => `m${index}`),
    );
  });

  run(
    'a lost connection leaves what was unconfirmed unknown, refuses the rest, and nothing confirmed is missing',
    async (t, world) => {
      const session = await world.session();
      const bus = await world.connect('a');
      await pair(session, 'q');
      const publishes = many(bus, 'q', 1500);
      const ending = outcomes(publishes);
      // At the first confirm, while others are outstanding.
      await Promise.any(publishes);
      world.cut('a', { stayDown: true });
      const ended = await ending;
      const count = (code: string): number => ended.filter((one) => one === code).length;
      t.is(
        count('confirmed') + count('outcome-unknown') + count('not-connected'),
        1500,
        JSON.stringify([...new Set(ended)]),
      );
      t.true(count('outcome-unknown') + count('not-connected') > 0);
      t.false(bus.connected);
      t.deepEqual(await outcomes([bus.publish('q', packet('late'))]), ['not-connected']);
      world.restore('a');
      await untilTrue(() => bus.connected);
      await bus.publish('q', packet('again'));
      const { got, ids } = await collect(bus, 'q', 4000);
      await untilTrue(() => ids().includes('again'));
      const arrived = new Set(ids());
      const missing = ended.flatMap((end, index) => (end === 'confirmed' && !arrived.has(`m${index}`) ? [index] : []));
      t.deepEqual(missing, []);
      t.true(ended.every((end, index) => end !== 'not-connected' || !arrived.has(`m${index}`)));
      t.is(got.length, arrived.size);
    },
  );

  run('closing waits for the confirms that are outstanding', async (t, world) => {
    const session = await world.session();
    const bus = await world.connect('a');
    await pair(session, 'q');
    const publishes = outcomes(many(bus, 'q', 500));
    await bus.close();
    t.deepEqual(new Set(await publishes), new Set(['confirmed']));
    t.deepEqual(await outcomes([bus.publish('q', packet('late'))]), ['not-connected']);
  });

  run('a broadcast reaches every subscriber, by routing key, also after a reconnect', async (t, world) => {
    const session = await world.session();
    const [a, b] = await Promise.all([world.connect('a'), world.connect('b')]);
    await session.declareExchange({ name: 'news', type: 'topic', arguments: {} });
    const heard: string[] = [];
    const one = await a.subscribe('news', ['order.*'], ({ messageId }, key) => heard.push(`a ${messageId} ${key}`));
    await b.subscribe('news', ['#'], ({ messageId }, key) => heard.push(`b ${messageId} ${key}`));
    await session.publish('news', packet('1'), 'order.placed');
    await session.publish('news', packet('2'), 'saga.done');
    await untilTrue(() => heard.length === 3);
    t.deepEqual(heard.toSorted(), ['a 1 order.placed', 'b 1 order.placed', 'b 2 saga.done']);
    world.cut('a');
    await untilTrue(() => !a.connected);
    await untilTrue(() => a.connected);
    await session.publish('news', packet('3'), 'order.placed');
    await untilTrue(() => heard.includes('a 3 order.placed'));
    await one.close();
    await session.publish('news', packet('4'), 'order.placed');
    await untilTrue(() => heard.includes('b 4 order.placed'));
    await systemClock.sleep(20);
    t.false(heard.some((line) => line.startsWith('a 4')));
  });
}
