import test from 'ava';
import { systemClock } from '#shared/clock.ts';
import { pair } from '#test/shared/bus/conformance-publishing.ts';
import { collect, packet, relayedBus } from '#test/support/broker-world.ts';
import { untilTrue } from '#test/support/until.ts';

test('a consumer that is being closed while its connection dies is closed, and the next one consumes', async (t) => {
  const { bus, relay, close } = await relayedBus();
  t.teardown(close);
  await untilTrue(() => bus.connected);
  const session = await bus.session();
  await pair(session, 'q');
  const { consumer } = await collect(bus, 'q');
  relay.freeze();
  const closing = consumer.close().then(() => 'closed');
  await systemClock.sleep(50);
  relay.cut();
  t.is(await Promise.race([closing, systemClock.sleep(30_000).then(() => 'still closing')]), 'closed');
  const { ids } = await collect(bus, 'q');
  await untilTrue(() => bus.connected);
  await bus.publish('q', packet('after'));
  await untilTrue(() => ids().includes('after'));
});
