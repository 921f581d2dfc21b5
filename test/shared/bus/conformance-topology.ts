import type { ExecutionContext } from 'ava';
import type { Run } from './conformance-run.ts';
import { pair } from './conformance-publishing.ts';
import type { Bus, Session } from '#shared/bus/bus.ts';
import { deathsOf } from '#shared/bus/deaths.ts';
import { BrokerRefusal } from '#shared/bus/broker-refusal.ts';
import { PublishError } from '#shared/errors.ts';
import { systemClock } from '#shared/clock.ts';
import { collect, packet } from '#test/support/broker-world.ts';
import { untilTrue } from '#test/support/until.ts';

/** One route as provisioning makes it, with few partitions and short times. */
async function route(session: Session, partitions: number, ttlMs: number, delayMs: number): Promise<readonly string[]> {
  const queues = Array.from({ length: partitions }, (_, index) => `r.${String(index).padStart(3, '0')}`);
  const deadLetter = (exchange: string, ttl: number) => ({
    'x-dead-letter-exchange': exchange,
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
    'x-message-ttl': ttl,
    'x-delivery-limit': 3,
  });
  await pair(session, 'r.expired');
  await session.declareExchange({ name: 'r.half', type: 'fanout', arguments: {} });
  await session.declareExchange({ name: 'r.in', type: 'fanout', arguments: { 'alternate-exchange': 'r.half' } });
  await session.declareExchange({ name: 'r.hash', type: 'x-consistent-hash', arguments: { 'hash-header': 'key' } });
  for (const name of queues) {
    await session.declareQueue({
      name,
      type: 'quorum',
      arguments: { 'x-single-active-consumer': true, ...deadLetter('r.expired', ttlMs) },
    });
    await session.bind({ source: 'r.hash', destination: name, to: 'queue', routingKey: '1' });
  }
  await session.declareQueue({ name: 'r.delay', type: 'quorum', arguments: deadLetter('r.hash', delayMs) });
  await session.bind(DIRECT);
  await session.bind(DELAYED);
  return queues;
}

const DIRECT = { source: 'r.in', destination: 'r.hash', to: 'exchange', routingKey: '' } as const;
const DELAYED = { source: 'r.half', destination: 'r.delay', to: 'queue', routingKey: '' } as const;

async function refused(t: ExecutionContext, code: string, attempt: Promise<unknown>): Promise<void> {
  const refusal = await t.throwsAsync(attempt, { instanceOf: BrokerRefusal });
  t.is(refusal?.code, code as never);
}

export function topology(run: Run): void {
  run(
    'a key always goes to the same partition, keys spread over all, a packet without key goes to one',
    async (t, world) => {
      const session = await world.session();
      const bus = await world.connect('a');
      const queues = await route(session, 4, 60_000, 60_000);
      const seen = new Map<string, Set<string>>();
      const keys = Array.from({ length: 200 }, (_, index) => `order-${index}`);
      await Promise.all(
        queues.map((queue) =>
          bus.consume(queue, {
            prefetch: 1000,
            onChannelLost() {},
            onDelivery({ packet: { headers } }) {
              const key = String(headers['key']);
              seen.set(key, (seen.get(key) ?? new Set()).add(queue));
            },
          }),
        ),
      );
      await Promise.all(
        keys.flatMap((key) => [
          bus.publish('r.in', packet(`${key}-1`, { key })),
          bus.publish('r.hash', packet(`${key}-2`, { key })),
        ]),
      );
      await untilTrue(() => seen.size === 200);
      t.true([...seen.values()].every((partitions) => partitions.size === 1));
      t.is(new Set([...seen.values()].flatMap((partitions) => [...partitions])).size, 4);
      await Promise.all(Array.from({ length: 10 }, (_, index) => bus.publish('r.in', packet(`none-${index}`))));
      await untilTrue(() => seen.has('undefined'));
      t.is(seen.get('undefined')?.size, 1);
    },
  );

  run(
    'what waits past its TTL is dead-lettered in order, with the reason; what a consumer holds is not',
    async (t, world) => {
      const session = await world.session();
      const bus = await world.connect('a');
      const [queue = ''] = await route(session, 1, 300, 60_000);
      const holder = await collect(bus, queue, 1);
      const sentAt = systemClock.now();
      for (const id of ['held', 'b', 'c']) await bus.publish('r.in', packet(id, { key: 'k' }));
      const dead = await collect(bus, 'r.expired');
      await untilTrue(() => dead.got.length === 2);
      t.true(systemClock.now() - sentAt >= 300);
      t.deepEqual(dead.ids(), ['b', 'c']);
      t.like(deathsOf(dead.got[0]?.packet.headers ?? {})[0], { queue, reason: 'expired', count: 1 });
      t.is(dead.got[0]?.packet.headers['key'], 'k');
      t.is(dead.got[0]?.packet.headers['x-first-death-queue'], queue);
      t.deepEqual(holder.ids(), ['held']);
      // Given back after its time it expires at once, although it may have been worked on.
      await holder.consumer.close();
      await untilTrue(() => dead.got.length === 3);
      t.is(dead.ids()[2], 'held');
    },
  );

  run('a message that is given back too often is dead-lettered for that', async (t, world) => {
    const session = await world.session();
    await route(session, 1, 60_000, 60_000);
    await session.publish('r.in', packet('poison', { key: 'k' }));
    await session.publish('r.in', packet('next', { key: 'k' }));
    const order: string[] = [];
    const bus = await world.connect('a');
    const dead = await collect(bus, 'r.expired');
    for (let round = 0; round < 4; round += 1) {
      const { got, consumer } = await collect(bus, 'r.000', 1);
      await untilTrue(() => got.length === 1);
      order.push(got[0]?.packet.messageId ?? '?');
      await consumer.close();
    }
    await untilTrue(() => dead.got.length === 1);
    t.deepEqual(order, ['poison', 'poison', 'poison', 'poison']);
    t.is(deathsOf(dead.got[0]?.packet.headers ?? {})[0]?.reason, 'delivery_limit');
    t.deepEqual(dead.ids(), ['poison']);
  });

  run('the gate lets through, delays, or returns, by bindings alone', async (t, world) => {
    const session = await world.session();
    const bus = await world.connect('a');
    const [queue = ''] = await route(session, 1, 60_000, 400);
    const { got, ids } = await collect(bus, queue);
    const publish = (id: string): Promise<void> => bus.publish('r.in', packet(id, { key: 'k' }));
    await publish('closed');
    await untilTrue(() => got.length === 1);
    await session.unbind(DIRECT);
    const sentAt = systemClock.now();
    await publish('half-open');
    await untilTrue(() => got.length === 2);
    t.true(systemClock.now() - sentAt >= 400);
    t.is(deathsOf(got[1]?.packet.headers ?? {})[0]?.queue, 'r.delay');
    await session.unbind(DELAYED);
    const error = await t.throwsAsync(publish('open'), { instanceOf: PublishError });
    t.is(error?.code, 'returned');
    await bus.publish('r.hash', packet('undo', { key: 'k' }));
    await session.bind(DELAYED);
    await session.bind(DIRECT);
    await publish('closed again');
    await untilTrue(() => got.length === 4);
    t.deepEqual(ids(), ['closed', 'half-open', 'undo', 'closed again']);
  });

  run('a queue of one message keeps the newest; while it is held there is none to get', async (t, world) => {
    const session = await world.session();
    await pair(session, 's', { 'x-max-length': 1, 'x-overflow': 'drop-head' });
    t.is(await session.get('s'), undefined);
    await session.publish('s', packet('1'));
    await session.publish('s', packet('2'));
    const held = await session.get('s');
    t.is(held?.packet.messageId, '2');
    const other = await world.session();
    t.is(await other.get('s'), undefined);
    await session.publish('s', packet('3'));
    if (held !== undefined) session.ack(held);
    await untilTrue(async () => (await session.depth('s')) === 1);
    const lost = await other.get('s');
    t.is(lost?.packet.messageId, '3');
    await other.close();
    await untilTrue(async () => (await session.depth('s')) === 1);
    t.is((await session.get('s'))?.packet.messageId, '3');
  });

  run('a released message goes back to its place', async (t, world) => {
    const session = await world.session();
    await pair(session, 'q', { 'x-delivery-limit': 10 });
    for (const id of ['1', '2', '3']) await session.publish('q', packet(id));
    const head = await session.get('q');
    if (head !== undefined) session.release(head);
    await untilTrue(async () => (await session.depth('q')) === 3);
    const got: string[] = [];
    await session.consume('q', 10, (delivery) => {
      got.push(delivery.packet.messageId ?? '?');
      session.ack(delivery);
    });
    await untilTrue(() => got.length === 3);
    t.deepEqual(got, ['1', '2', '3']);
  });

  run('an exclusive queue locks others out until its connection ends, and is gone with it', async (t, world) => {
    const [one, two] = [await world.session(), await world.session()];
    const leader = { name: 'leader', type: 'classic', exclusive: true, arguments: {} } as const;
    t.is(await one.declareQueue(leader), 'leader');
    t.is(await one.declareQueue(leader), 'leader');
    await refused(t, 'locked', two.declareQueue(leader));
    // A refusal ends nothing.
    await pair(two, 'q');
    await two.publish('q', packet('m'));
    await one.close();
    await t.throwsAsync(one.publish('q', packet('m')));
    await untilTrue(() =>
      two.declareQueue(leader).then(
        () => true,
        () => false,
      ),
    );
  });

  run('a session ends with its connection and does not come back', async (t, world) => {
    const bus = await world.connect('a');
    const session = await bus.session();
    await pair(session, 'q');
    let ended = false;
    const watching = session.closed.then(() => (ended = true));
    t.false(ended);
    world.cut('a');
    await watching;
    await t.throwsAsync(session.depth('q'));
    await t.throwsAsync(session.publish('q', packet('m')));
    await untilTrue(() => bus.connected);
    t.is(await (await bus.session()).depth('q'), 0);
  });

  run('what does not exist or exists otherwise is refused by name', async (t, world) => {
    const session = await world.session();
    await pair(session, 'q');
    await refused(t, 'missing', session.depth('nowhere'));
    await refused(t, 'missing', session.bind({ source: 'nowhere', destination: 'q', to: 'queue', routingKey: '' }));
    await refused(t, 'mismatch', session.declareQueue({ name: 'q', type: 'quorum', arguments: { 'x-max-length': 5 } }));
    await refused(t, 'mismatch', session.declareExchange({ name: 'q', type: 'topic', arguments: {} }));
    await session.publish('q', packet('m'));
    t.is(await session.depth('q'), 1);
  });

  run('everything that expires at the same time reaches the dead-letter queue, once each', async (t, world) => {
    const session = await world.session();
    const bus: Bus = await world.connect('a');
    await session.declareExchange({ name: 'grave', type: 'fanout', arguments: {} });
    await pair(session, 'q', {
      'x-dead-letter-exchange': 'grave',
      'x-dead-letter-strategy': 'at-least-once',
      'x-overflow': 'reject-publish',
      'x-message-ttl': 50,
    });
    await pair(session, 'other');
    await session.bind({ source: 'grave', destination: 'other', to: 'queue', routingKey: '' });
    await Promise.all(Array.from({ length: 100 }, (_, index) => bus.publish('q', packet(`m${index}`))));
    const { got, ids } = await collect(bus, 'other');
    await untilTrue(() => got.length === 100);
    t.is(new Set(ids()).size, 100);
  });
}
