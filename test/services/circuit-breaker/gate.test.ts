import test from 'ava';
import type { GateName } from '#services/circuit-breaker/breaker.ts';
import { type GateKeeper, moveGate, setGate } from '#services/circuit-breaker/gate.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { topologyOf } from '#shared/bus/topology/topology.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';
import { encode } from '#shared/bus/envelope.ts';
import { messageOf, table } from './world.ts';

const names: Record<string, string> = { 'payment.in': '1', 'payment.half': '2', 'payment.ask': 'questions' };
const payment = { route: 'payment', isAsked: false };

function keeper(): { readonly keeper: GateKeeper; readonly done: string[] } {
  const done: string[] = [];
  const note = (what: string) => (binding: { readonly source: string }) => {
    done.push(`${what} ${names[binding.source]}`);
    return Promise.resolve();
  };
  return { keeper: { bind: note('bind'), unbind: note('unbind') }, done };
}

const whole: readonly [GateName, string[]][] = [
  ['closed', ['bind 1', 'bind 2']],
  ['half_open', ['bind 2', 'unbind 1']],
  ['open', ['unbind 2', 'unbind 1']],
];

for (const [to, expected] of whole) {
  test(`repair sets ${to} blindly, in the order in which nothing goes two ways or none`, async (t) => {
    const { keeper: one, done } = keeper();
    await setGate(one, payment, to);
    t.deepEqual(done, expected);
  });
}

const steps: readonly [GateName, GateName, string[]][] = [
  ['closed', 'half_open', ['unbind 1']],
  ['half_open', 'open', ['unbind 2']],
  ['open', 'half_open', ['bind 2']],
  ['half_open', 'closed', ['bind 1']],
];

for (const [from, to, expected] of steps) {
  test(`from ${from} to ${to} is one change of one binding`, async (t) => {
    const { keeper: one, done } = keeper();
    await moveGate(one, payment, from, to);
    t.deepEqual(done, expected);
  });
}

const ofQuestions: readonly [GateName, GateName, string[]][] = [
  ['closed', 'half_open', []],
  ['half_open', 'open', ['unbind questions']],
  ['open', 'half_open', ['bind questions']],
  ['half_open', 'closed', []],
  ['closed', 'open', ['unbind questions']],
  ['open', 'closed', ['bind questions']],
];

for (const [from, to, expected] of ofQuestions) {
  test(`from ${from} to ${to} questions are taken or refused, never delayed`, async (t) => {
    const { keeper: one, done } = keeper();
    await moveGate(one, { route: 'payment', isAsked: true }, from, to);
    t.deepEqual(
      done.filter((what) => what.endsWith('questions')),
      expected,
    );
  });
}

test('whatever the bindings were, after each single change a message goes one way or is returned', async (t) => {
  const names: readonly GateName[] = ['closed', 'half_open', 'open'];
  for (const from of names) {
    for (const to of names) {
      const clock = createVirtualClock();
      const broker = createMemoryBroker({ clock });
      broker.apply(topologyOf(table, { ttlMs: 60_000, delayMs: 60_000 }, 'v'));
      const session = await broker.connect('breaker').session();
      let sent = 0;
      const probe = (): void => {
        const copies = (): number =>
          ['payment.000', 'payment.001', 'payment.delay'].reduce(
            (sum, name) => sum + broker.queue(name).ready.length,
            0,
          );
        const before = copies();
        const outcome = broker.put('payment.in', encode(messageOf('payment', `m${(sent += 1)}`)));
        t.is(copies() - before, outcome === 'returned' ? 0 : 1, `${from} to ${to}`);
      };
      const watched =
        (run: GateKeeper['bind']): GateKeeper['bind'] =>
        async (binding) => {
          await run(binding);
          probe();
        };
      const watcher = { bind: watched(session.bind), unbind: watched(session.unbind) };
      await clock.during(setGate(watcher, payment, from));
      await clock.during(moveGate(watcher, payment, from, to));
      broker.close();
    }
  }
});
