/** What an engine knows of its registrations at the broker. */
import test from 'ava';
import type { Bus, ConsumeOptions } from '#shared/bus/bus.ts';
import { createConsumers } from '#shared/bus/registrations.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

test('from the loss of a connection on, messages of a key may be in two partitions: the next one may deliver before it says that it is registered', async (t) => {
  const clock = createVirtualClock();
  const registered = Promise.withResolvers<ConsumeOptions>();
  const bus: Pick<Bus, 'consume'> = {
    async consume(queue, options) {
      registered.resolve(options);
      return { queue, active: true, ack() {}, close: async () => {} };
    },
  };
  const consumers = createConsumers({
    bus: bus as Bus,
    clock,
    queues: ['tally.000'],
    prefetch: 10,
    settledAfterMs: 1500,
    onDelivery() {},
    onChannelLost() {},
    onAck() {},
    onBusy() {},
  });
  await consumers.open();
  const { onRegistered, onChannelLost } = await registered.promise;
  onRegistered?.();
  await clock.advance(2000);
  t.true(consumers.settlesInMs() <= 0);
  onChannelLost(1);
  t.is(consumers.settlesInMs(), 1500);
});
