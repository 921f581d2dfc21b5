import type { Channel } from 'amqplib';
import test from 'ava';
import { partitionQueues } from '#shared/bus/topology/topology.ts';
import { readBindings, wiringOf } from '#shared/bus/topology/wiring.ts';
import { systemClock } from '#shared/clock.ts';
import { packet } from '#test/support/broker-world.ts';
import { untilTrue } from '#test/support/until.ts';
import type { Provisioned } from '#test/support/provisioned.ts';
import { table, fresh, asAdministrator, listening } from './provision-world.ts';

/** Which partition has which key: published, looked up, taken away again. */
async function homes(vhost: Provisioned): Promise<string> {
  return asAdministrator(vhost, async (channel) => {
    const found = new Map<string, string>();
    const taken = Promise.withResolvers<void>();
    for (const queue of partitionQueues(table, 'order'))
      await channel.consume(
        queue,
        (message) => {
          found.set(message?.properties.messageId as string, queue);
          if (found.size === 120) taken.resolve();
        },
        { noAck: true },
      );
    for (let n = 0; n < 120; n += 1)
      channel.publish('order.hash', '', Buffer.from('{}'), { headers: { key: `k${n}` }, messageId: `k${n}` });
    await taken.promise;
    return JSON.stringify([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** In the partitions that the damage leaves. */
async function depthsOf(channel: Channel): Promise<number> {
  const all = await Promise.all(['order.000', 'order.002'].map((queue) => channel.checkQueue(queue)));
  return all.reduce((sum, { messageCount }) => sum + messageCount, 0);
}

test('a last partition that was lost, with or without its queue, is bound again where it was', async (t) => {
  const vhost = await fresh(t);
  const before = await homes(vhost);
  const wiring = async () => wiringOf(table, 'order', await readBindings(vhost.api, vhost.vhost));
  t.like(await wiring(), { lost: [], missing: [], strays: [], direct: true, delayed: true });
  for (const [lost, lose] of [
    [[], (channel: Channel) => channel.unbindQueue('order.002', 'order.hash', '1')],
    [['order.002'], (channel: Channel) => channel.deleteQueue('order.002')],
  ] as const) {
    await asAdministrator(vhost, async (channel) => void (await lose(channel)));
    t.deepEqual((await wiring()).lost, lost);
    const { log, said } = listening();
    await vhost.provision({ log });
    t.regex(said.join(), /bound again where they were.*order\.hash -> order\.002 is missing/);
    t.is(await homes(vhost), before);
  }
});

test('a damaged ring is made anew when nothing waits, and left alone with what to do when something does', async (t) => {
  const vhost = await fresh(t);
  const before = await homes(vhost);
  for (const damage of [
    (channel: Channel) => channel.unbindQueue('order.000', 'order.hash', '1'),
    (channel: Channel) => channel.bindQueue('order.001', 'order.hash', '2'),
    (channel: Channel) => channel.deleteQueue('order.001'),
  ]) {
    await asAdministrator(vhost, async (channel) => {
      await damage(channel);
      for (let n = 0; n < 20; n += 1)
        channel.publish('order.hash', '', Buffer.from('{}'), { headers: { key: `k${n}` } });
      await untilTrue(async () => (await depthsOf(channel)) > 0);
    });
    const first = listening();
    await vhost.provision({ log: first.log });
    t.regex(first.said.join(), /stays until nothing waits/);
    await asAdministrator(vhost, async (channel) => {
      for (const queue of partitionQueues(table, 'order')) await channel.purgeQueue(queue);
    });
    // The management API tells of an empty queue some seconds later.
    const then = listening();
    await untilTrue(async () => {
      await vhost.provision({ log: then.log });
      return then.said.some((text) => text.includes('made anew'));
    });
    t.is(await homes(vhost), before);
    const last = listening();
    await vhost.provision({ log: last.log });
    t.deepEqual(last.said, []);
  }
});

test('10,000 order ids spread evenly over the partitions, and news reach the route that hears them', async (t) => {
  const eight = { ...table, partitions: 8 };
  const vhost = await fresh(t, eight);
  const [order, wallet] = await Promise.all([vhost.connect('order'), vhost.connect('wallet')]);
  const counts = new Map<string, number>();
  for (const queue of partitionQueues(eight, 'order')) {
    const consumer = await order.consume(queue, {
      prefetch: 500,
      onChannelLost() {},
      onDelivery(delivery) {
        counts.set(queue, (counts.get(queue) ?? 0) + 1);
        consumer.ack([delivery]);
      },
    });
  }
  const total = (): number => [...counts.values()].reduce((sum, count) => sum + count, 0);
  await Promise.all(
    Array.from({ length: 10_000 }, (_, index) =>
      wallet.publish('order.hash', packet(`m${index}`, { key: systemClock.id() })),
    ),
  );
  await untilTrue(() => total() === 10_000, 30_000);
  t.is(counts.size, 8);
  t.true(Math.max(...counts.values()) / 1250 <= 1.15, JSON.stringify([...counts]));
  await wallet.publish('events', packet('news', { key: 'k' }), 'wallet.held');
  await untilTrue(() => total() === 10_001);
});
