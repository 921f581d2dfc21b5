import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { type Log, silentLog } from '#shared/log.ts';
import { idOf, packet } from '#test/support/broker-world.ts';
import { ownNode, testOnOwnNode } from '#test/support/own-node.ts';
import { until } from '#test/support/until.ts';

testOnOwnNode(
  'a consumer that holds a message past consumer_timeout loses its channel alone, is told what to set, and gets it again',
  async (t) => {
    const node = await ownNode(t);
    // As of now, for channels that are opened from here on.
    await node.ctl(
      'eval',
      'application:set_env(rabbit, consumer_timeout, 1000), application:set_env(rabbit, channel_tick_interval, 200).',
    );
    const told: { readonly text: string; readonly fields: object }[] = [];
    const log: Log = { ...silentLog, warn: (text, fields = {}) => void told.push({ text, fields }) };
    const bus = connectAmqp({ url: node.amqpUrl, name: 'a', clock, log });
    node.onStop(() => bus.close());
    await until('the bus is connected', () => bus.connected, Boolean);
    const session = await bus.session();
    await session.declareExchange({ name: 'x', type: 'fanout', arguments: {} });
    await session.declareQueue({ name: 'q', type: 'quorum', arguments: {} });
    await session.bind({ source: 'x', destination: 'q', to: 'queue', routingKey: '' });
    await session.close();
    const got: string[] = [];
    const lost: number[] = [];
    const consumer = await bus.consume('q', {
      prefetch: 10,
      onDelivery(delivery, from) {
        got.push(idOf(delivery));
        if (got.length > 1) from.ack([delivery]);
      },
      onChannelLost: (channel) => void lost.push(channel),
    });
    await bus.publish('x', packet('held'));
    await until(
      'the channel is lost',
      () => lost.length,
      (count) => count === 1,
    );
    await until(
      'it comes again',
      () => got.length,
      (count) => count >= 2,
    );
    t.deepEqual(got, ['held', 'held']);
    t.true(bus.connected, 'the connection stays');
    await t.notThrowsAsync(bus.publish('x', packet('next')), 'and so do the channels of others');
    await until(
      'the next one comes',
      () => got.length,
      (count) => count >= 3,
    );
    const [one, ...others] = told.filter(({ text }) => /the broker closed the channel/.test(text));
    t.like(one?.fields, { advice: "raise the broker's consumer_timeout: see rabbitmq/rabbitmq.conf" });
    t.is(others.length, 0);
    await consumer.close();
  },
);
