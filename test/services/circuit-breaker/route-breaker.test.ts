import test from 'ava';
import { gateOf, type GateName } from '#services/circuit-breaker/breaker.ts';
import { type RouteBreakerOptions, takeOver } from '#services/circuit-breaker/route-breaker.ts';
import type { Session } from '#shared/bus/bus.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { topologyOf } from '#shared/bus/topology/topology.ts';
import { clockFrom } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';
import { policy, table } from './world.ts';

interface Change extends Partial<RouteBreakerOptions> {
  readonly wrap?: (session: Session) => Session;
  /** How much later than asked timers run, ms; time itself is right. */
  readonly skewMs?: number;
}

async function setUp({ wrap = (session) => session, skewMs = 0, ...change }: Change = {}) {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  broker.apply(topologyOf(table, policy, 'v'));
  const gaveUp: unknown[] = [];
  const skewed = (ms: number, run: () => void) => clock.after(ms > 10 ? ms + skewMs : ms, run);
  let leaders = 0;

  async function lead() {
    const session = await broker.connect(`breaker-${(leaders += 1)}`).session();
    return clock.during(
      takeOver({
        route: 'payment',
        isAsked: false,
        policy,
        session: wrap(session),
        clock: { ...clockFrom(clock), after: skewed },
        log: silentLog,
        broadcast: () => Promise.resolve(),
        onDecision() {},
        onPoint() {},
        giveUp: (reason) => gaveUp.push(reason),
        blindness: () => undefined,
        ...change,
      }),
    );
  }

  const breaker = await lead();
  const stored = (): GateName => {
    const [packet] = broker.queue('payment.state').ready;
    return gateOf((JSON.parse(packet?.content.toString() ?? '{}') as typeof breaker.stored).state);
  };
  return {
    clock,
    broker,
    breaker,
    gaveUp,
    stored,
    name: (one = breaker): GateName => gateOf(one.stored.state),
    moves: () => breaker.stored.transitions.map(({ to }) => to).toReversed(),
    settled: () => clock.advance(1),
    /** The present leader dies, the next one takes over. */
    next() {
      broker.dropConnection(`breaker-${leaders}`);
      return lead();
    },
  };
}

test('an expiry at the end of the cycle belongs to the next one, also when the timer is late', async (t) => {
  const { clock, breaker, name, moves, settled } = await setUp({ skewMs: 400 });
  breaker.expired();
  await settled();
  await clock.advance((breaker.cycleEndsAt as number) - clock.now());
  t.is(name(), 'half_open', 'nobody has noticed yet');
  breaker.expired();
  await settled();
  // The clean cycle closed it first, then the expiry counted.
  t.deepEqual(moves(), ['half_open', 'closed', 'half_open']);
});

test('an operator’s word after the end of a cycle finds that cycle concluded, also when the timer is late', async (t) => {
  for (const ask of ['override', 'clearOverride'] as const) {
    const { clock, breaker, name, moves, settled } = await setUp({ skewMs: 400 });
    breaker.expired();
    await settled();
    await clock.advance((breaker.cycleEndsAt as number) - clock.now());
    t.is(name(), 'half_open', 'nobody has noticed yet');
    await clock.during(
      ask === 'override' ? breaker.override({ state: 'open', until: clock.now() + 1000 }) : breaker.clearOverride(),
    );
    t.deepEqual(moves(), ask === 'override' ? ['half_open', 'closed', 'open'] : ['half_open', 'closed']);
    t.is(breaker.stored.state.machine.name, 'closed');
  }
});

test('a timer that is a millisecond early ends the cycle all the same', async (t) => {
  const { clock, breaker, moves, settled } = await setUp({ skewMs: -1 });
  breaker.expired();
  await settled();
  await clock.advance(policy.cycleMs + 1);
  t.deepEqual(moves(), ['half_open', 'closed']);
});

test('a clean cycle whose end was slept through proves nothing', async (t) => {
  const { clock, breaker, moves } = await setUp({ skewMs: 1200 });
  breaker.expired();
  await clock.advance(6 * policy.cycleMs);
  t.deepEqual(moves(), ['half_open']);
});

test('a clean cycle that was watched blind proves nothing', async (t) => {
  let blind: string | undefined = 'the queues do not expire';
  const { clock, breaker, name, settled } = await setUp({ blindness: () => blind });
  breaker.expired();
  await settled();
  await clock.advance(5 * policy.cycleMs);
  t.is(name(), 'half_open');
  // Evidence counts all the same.
  for (let cycle = 0; cycle < policy.badCycles; cycle += 1) {
    breaker.expired();
    await clock.advance(policy.cycleMs);
  }
  t.is(name(), 'open');
  blind = undefined;
  await clock.advance(2 * policy.cycleMs + 50);
  t.is(name(), 'closed');
});

test('when storing fails nothing is applied; when applying fails the next leader finds what was stored', async (t) => {
  let broken: 'publish' | 'unbind' | undefined;
  const fails =
    <Arguments extends unknown[]>(name: 'publish' | 'unbind', run: (...args: Arguments) => Promise<void>) =>
    (...args: Arguments): Promise<void> =>
      broken === name ? Promise.reject(new Error(`no ${name}`)) : run(...args);
  const wrap = (session: Session): Session => ({
    ...session,
    publish: fails('publish', session.publish),
    unbind: fails('unbind', session.unbind),
  });
  for (const what of ['publish', 'unbind'] as const) {
    broken = undefined;
    const { broker, breaker, name, stored, settled, gaveUp } = await setUp({ wrap });
    broken = what;
    breaker.expired();
    breaker.expired();
    const asked = breaker.override({ state: 'open', until: 0 });
    const refused = t.throwsAsync(asked);
    await settled();
    t.is(gaveUp.length, 1);
    t.is(name(), 'closed');
    t.is(stored(), what === 'publish' ? 'closed' : 'half_open');
    t.true(
      broker.bindings().some(({ source, destination }) => source === 'payment.in' && destination === 'payment.hash'),
    );
    await refused;
    await t.throwsAsync(breaker.clearOverride());
  }
});

test('a newer override is not ended by the end of an older one', async (t) => {
  const { clock, breaker, name, settled } = await setUp();
  const until = (ms: number): number => clock.now() + ms;
  await clock.during(breaker.override({ state: 'open', until: until(1000) }));
  await clock.during(breaker.override({ state: 'half_open', until: until(5000) }));
  await clock.advance(3000);
  t.is(name(), 'half_open');
  await clock.advance(2000);
  await settled();
  t.is(breaker.stored.state.override, undefined);
});

test('an override that comes while the older one ends stays', async (t) => {
  const { clock, broker, breaker, name } = await setUp();
  await clock.during(breaker.override({ state: 'open', until: clock.now() + 1000 }));
  await clock.advance(980);
  broker.inject({ latencyMs: () => 50 });
  const newer = breaker.override({ state: 'half_open', until: clock.now() + 60_000 });
  await clock.during(newer);
  await clock.advance(5000);
  t.is(name(), 'half_open');
  t.is(breaker.stored.state.override?.state, 'half_open');
});

test('an override outlives the leader, and not its time', async (t) => {
  const { clock, breaker, name, settled, next } = await setUp();
  await clock.during(breaker.override({ state: 'open', until: clock.now() + 5000 }));
  breaker.end();
  const second = await next();
  t.is(name(second), 'open');
  second.end();
  await clock.advance(10_000);
  const third = await next();
  await settled();
  t.is(name(third), 'half_open');
});
