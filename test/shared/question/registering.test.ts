/** A responder whose registrations take their time, or end while they are being made. */
import test from 'ava';
import type { Consumer } from '#shared/bus/bus.ts';
import { silentLog } from '#shared/log.ts';
import { createResponder } from '#shared/question/responder.ts';
import { squaring } from '#test/support/question-world.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

/** A broker that confirms registrations and closed channels when it is told to. */
function slowBroker() {
  const clock = createVirtualClock();
  const registering: (() => void)[] = [];
  const closing: (() => void)[] = [];
  let open = 0;
  const consume = (queue: string): Promise<Consumer> => {
    open += 1;
    const { promise, resolve } = Promise.withResolvers<Consumer>();
    registering.push(() => resolve({ queue, active: true, ack() {}, close }));
    return promise;
  };
  const close = (): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    closing.push(() => {
      open -= 1;
      resolve();
    });
    return promise;
  };
  const confirm = async (waiting: (() => void)[]): Promise<void> => {
    for (const one of waiting.splice(0)) one();
    await clock.settle();
  };
  const bus = { consume, post: () => ({ send() {}, close: async () => {} }) };
  const handlers = [squaring('one')];
  return {
    responder: createResponder({ bus, handlers, clock, log: silentLog, stateOf: async () => undefined }),
    registered: () => confirm(registering),
    closed: () => confirm(closing),
    /** Registrations that the broker has, or will have. */
    open: () => open,
  };
}

test('a pause while a queue is being registered ends that registration; after it there is one', async (t) => {
  const { responder, registered, closed, open } = slowBroker();
  const taking = responder.take('sums.ask.000');
  await responder.pause();
  await registered();
  await taking;
  await closed();
  t.is(open(), 0);
  const resuming = responder.resume();
  await registered();
  await resuming;
  t.is(open(), 1);
  const releasing = responder.release('sums.ask.000', 0);
  await closed();
  await releasing;
  t.is(open(), 0);
});

test('a queue that is released while it is being registered is nobody’s', async (t) => {
  const { responder, registered, closed, open } = slowBroker();
  const taking = responder.take('sums.ask.000');
  await responder.release('sums.ask.000', 0);
  await registered();
  await taking;
  await closed();
  t.is(open(), 0);
});

test('a registration that is made while the one before it ends is ended with its queue', async (t) => {
  const { responder, registered, closed, open } = slowBroker();
  const taking = responder.take('sums.ask.000');
  await registered();
  await taking;
  const pausing = responder.pause();
  const resuming = responder.resume();
  await registered();
  await resuming;
  await closed();
  await pausing;
  t.is(open(), 1);
  const releasing = responder.release('sums.ask.000', 0);
  await closed();
  await releasing;
  t.is(open(), 0);
});
