import test from 'ava';
import { connectAmqp } from '#shared/bus/amqp.ts';
import { systemClock } from '#shared/clock.ts';
import { PublishError } from '#shared/errors.ts';
import { silentLog } from '#shared/log.ts';
import { pair } from './conformance-publishing.ts';
import { packet, relayedBus, until } from '#test/support/broker-world.ts';

const codeOf = (publish: Promise<void>): Promise<string> =>
  publish.then(
    () => 'confirmed',
    (error: unknown) => (error instanceof PublishError ? error.code : String(error)),
  );

test('when the broker goes silent what was sent is unknown after the limit, what waits for room is refused, and later all is well', async (t) => {
  const limits = { maxOutstanding: 10, confirmTimeoutMs: 400 };
  const { bus, relay, close } = await relayedBus({ heartbeatS: 3, limits });
  t.teardown(close);
  await until(() => bus.connected);
  const session = await bus.session();
  await pair(session, 'q');
  await until(async () => (await codeOf(bus.publish('q', packet('before')))) === 'confirmed');
  relay.freeze();
  const startedAt = systemClock.now();
  const sent = Array.from({ length: 10 }, (_, index) => codeOf(bus.publish('q', packet(`m${index}`))));
  const waiting = codeOf(bus.publish('q', packet('waiting')));
  t.deepEqual(new Set(await Promise.all(sent)), new Set(['outcome-unknown']));
  t.true(systemClock.now() - startedAt < 5000, 'sooner than the heartbeat');
  // The heartbeat finds out that nobody is there.
  t.is(await waiting, 'not-connected');
  await until(() => bus.connected);
  await until(async () => (await codeOf(bus.publish('q', packet('after')))) === 'confirmed');
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
