import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import { brokerUrls, rotated } from '#shared/bus/amqp/broker-urls.ts';
import { clockFrom, systemClock } from '#shared/clock.ts';
import { readConfig } from '#shared/host/config.ts';
import { processVariables } from '#shared/host/variables.ts';
import { ConfigError } from '#shared/errors.ts';
import { silentLog } from '#shared/log.ts';
import { amqpUrl, packet } from '#test/support/broker-world.ts';
import { untilTrue } from '#test/support/until.ts';

test('several addresses are separated by commas; a comma in a password is none of them', (t) => {
  t.deepEqual(brokerUrls('amqp://a:b@c/v'), ['amqp://a:b@c/v']);
  t.deepEqual(brokerUrls('amqp://a:b@c:1/v, amqps://a:b@d:2/v'), ['amqp://a:b@c:1/v', 'amqps://a:b@d:2/v']);
  t.deepEqual(brokerUrls('amqp://a:b,c@d/v,amqp://a:b,c@e/v'), ['amqp://a:b,c@d/v', 'amqp://a:b,c@e/v']);
});

test('everybody begins somewhere else and comes by all of them', (t) => {
  const urls = ['a', 'b', 'c'];
  t.deepEqual(
    rotated(urls, () => 0),
    ['a', 'b', 'c'],
  );
  t.deepEqual(
    rotated(urls, () => 0.5),
    ['b', 'c', 'a'],
  );
  t.deepEqual(
    rotated(urls, () => 0.999),
    ['c', 'a', 'b'],
  );
});

test('each of the addresses is checked', (t) => {
  const read = (AMQP_URL: string) => readConfig({ AMQP_URL: processVariables.AMQP_URL }, { AMQP_URL }).AMQP_URL;
  t.is(read('amqp://a@b/v,amqp://a@c/v'), 'amqp://a@b/v,amqp://a@c/v');
  for (const wrong of ['http://a', 'amqp://a@b/v,amqp://[', 'a,b', ''])
    t.throws(() => read(wrong), { instanceOf: ConfigError });
});

test('a connection and a session find the node that lives', async (t) => {
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  const clock = clockFrom({ ...systemClock, random: () => 0 });
  const dead = `amqp://guest:guest@127.0.0.1:${port}/`;
  const bus = connectAmqp({ url: `${dead},${amqpUrl}/,${dead}`, name: 'test', clock, log: silentLog });
  t.teardown(() => bus.close());
  await untilTrue(() => bus.connected);
  const returned = await t.throwsAsync(bus.publish('amq.topic', packet('m'), 'nobody'));
  t.regex(returned?.message ?? '', /returned/);
  const session = await bus.session();
  t.is(await session.declareQueue({ name: '', type: 'classic', exclusive: true, arguments: {} }).then(Boolean), true);
});
