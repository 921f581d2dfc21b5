import type { ConfirmChannel } from 'amqplib';
import test from 'ava';
import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import { createChannelPublisher, PUBLISH_LIMITS } from '#shared/bus/amqp/publisher.ts';
import { publishRightOf } from '#shared/bus/topology/rights.ts';
import type { RouteTable } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { PublishError } from '#shared/errors.ts';
import { silentLog } from '#shared/log.ts';
import { pair } from '#test/shared/bus/conformance-publishing.ts';
import { packet, relayedBus } from '#test/support/broker-world.ts';
import { untilTrue } from '#test/support/until.ts';
import { provisionedVhost } from '#test/support/provisioned.ts';

const codeOf = (publish: Promise<void>): Promise<string> =>
  publish.then(
    () => 'confirmed',
    (error: unknown) => (error instanceof PublishError ? error.code : String(error)),
  );

test('when the broker goes silent what was sent is unknown after the limit, what waits for room is refused, and later all is well', async (t) => {
  const limits = { maxOutstanding: 10, confirmTimeoutMs: 400 };
  const { bus, relay, close } = await relayedBus({ heartbeatS: 3, limits });
  t.teardown(close);
  await untilTrue(() => bus.connected);
  const session = await bus.session();
  await pair(session, 'q');
  await untilTrue(async () => (await codeOf(bus.publish('q', packet('before')))) === 'confirmed');
  relay.freeze();
  const startedAt = systemClock.now();
  const sent = Array.from({ length: 10 }, (_, index) => codeOf(bus.publish('q', packet(`m${index}`))));
  const waiting = codeOf(bus.publish('q', packet('waiting')));
  t.deepEqual(new Set(await Promise.all(sent)), new Set(['outcome-unknown']));
  t.true(systemClock.now() - startedAt < 5000, 'sooner than the heartbeat');
  // The heartbeat finds out that nobody is there.
  t.is(await waiting, 'not-connected');
  await untilTrue(() => bus.connected);
  await untilTrue(async () => (await codeOf(bus.publish('q', packet('after')))) === 'confirmed');
});

test('a bus without a broker says so, and closes', async (t) => {
  const bus = connectAmqp({
    url: 'amqp://guest:guest@127.0.0.1:9/none',
    name: 'a',
    clock: systemClock,
    log: silentLog,
  });
  t.false(bus.connected);
  t.is(await codeOf(bus.publish('q', packet('m'))), 'not-connected');
  await t.throwsAsync(bus.session());
  const consuming = t.throwsAsync(bus.consume('q', { prefetch: 1, onDelivery() {}, onChannelLost() {} }));
  await bus.close();
  await consuming;
});

test('an exchange whose queue confirms nothing holds up only those who publish to it', async (t) => {
  const settle: (() => void)[] = [];
  const channel = {
    on() {},
    publish(exchange: string, _key: string, _content: Buffer, _options: object, done: (error: null) => void) {
      if (exchange.startsWith('stalled')) settle.push(() => done(null));
      else setImmediate(done, null);
    },
  } as unknown as ConfirmChannel;
  const publisher = createChannelPublisher(channel, systemClock, PUBLISH_LIMITS);
  const stalled = Array.from({ length: 3000 }, (_, n) => publisher.publish(`stalled.${n % 2}`, packet(`s${n}`)));
  const others = Array.from({ length: 3000 }, (_, n) => publisher.publish('fine', packet(`f${n}`)));
  await t.notThrowsAsync(Promise.all(others));
  while (settle.length > 0) for (const done of settle.splice(0)) await Promise.resolve(done());
  await t.notThrowsAsync(Promise.all(stalled));
  await publisher.idle();
});

test('what the user may not publish is refused before it is sent: nothing else on its channel is disturbed', async (t) => {
  const table: RouteTable = { partitions: 1, routes: ['shop', 'bank'], services: { shop: { route: 'shop' } } };
  const vhost = provisionedVhost(table, { ttlMs: 60_000, delayMs: 100 });
  t.teardown(() => vhost.remove());
  await vhost.provision();
  const url = vhost.urlOf('shop');
  const mayPublish = publishRightOf(table, 'shop');
  const bus = connectAmqp({ url, name: 'shop', clock: systemClock, log: silentLog, mayPublish });
  t.teardown(() => bus.close());
  await untilTrue(() => bus.connected);
  const places = ['shop.hash', 'bank.hash', 'shop.dead', 'nowhere.hash', '', 'shop.in'];
  const codes = await Promise.all(
    Array.from({ length: 60 }, (_, n) => codeOf(bus.publish(places[n % 6]!, packet(`m${n}`, { key: 'k' })))),
  );
  t.deepEqual(
    codes,
    Array.from({ length: 60 }, (_, n) => ([0, 2].includes(n % 6) ? 'confirmed' : 'nacked')),
  );
  t.is(await codeOf(bus.publish('events', packet('e'), 'bank.said')), 'nacked');
  t.true(bus.connected);
});
