import test from 'ava';
import { z } from 'zod';
import type { Bus } from '#shared/bus/bus.ts';
import { dead, gate, inbox } from '#shared/bus/topology/topology.ts';
import type { Entity } from '#shared/entity/entity.ts';
import { on } from '#shared/entity/entity.ts';
import { event } from '#shared/message.ts';
import { add, createWorld, type Tally } from '#test/support/engine-world.ts';

/** Forwards every addition to another tally, through the gate of its own route. */
const forwarding: Partial<Entity<Tally>> = {
  handlers: [
    on(add, (state, { tally, n }, context) => {
      const next = { total: (state?.total ?? 0) + n, seen: [...(state?.seen ?? []), n] };
      if (tally === 'target') return { state: next };
      const id = `${context.message.id}:forward`;
      return {
        state: next,
        send: [context.command(add, { tally: 'target', n }, { id, deadline: context.now + 20_000 })],
      };
    }),
  ],
};

function openGate(world: ReturnType<typeof createWorld>, open: boolean): Promise<void> {
  const { direct, delayed } = gate('tally');
  return world.clock.during(
    (async () => {
      const session = await world.broker.connect('breaker').session();
      for (const binding of [direct, delayed]) await (open ? session.unbind(binding) : session.bind(binding));
      await session.close();
    })(),
  );
}

test('a command that the open route returns is kept as unsent and sent when the route is closed again', async (t) => {
  const world = createWorld(undefined, { entity: forwarding });
  await world.clock.during(world.engine().start());
  await openGate(world, true);
  world.put('source', 7);
  await world.clock.until(() => world.waiting() === 0);
  await world.clock.until(() => world.store.documents.get('source')?.unsent.length === 1);
  t.is(world.total('source'), 7);
  t.is(world.total('target'), undefined);
  t.regex(world.store.documents.get('source')?.unsent[0]?.reason ?? '', new RegExp(`returned by ${inbox('tally')}`));
  await openGate(world, false);
  await world.clock.until(() => world.total('target') === 7, 30_000);
  await world.clock.until(() => world.store.documents.get('source')?.unsent.length === 0);
  t.is(world.store.documents.get('source')?.dueAt, undefined);
});

test('an unsent command is given up at its deadline', async (t) => {
  const world = createWorld(undefined, { entity: forwarding });
  await world.clock.during(world.engine().start());
  await openGate(world, true);
  world.put('source', 7);
  await world.clock.until(() => world.store.documents.get('source')?.unsent.length === 1);
  await world.clock.until(() => world.store.documents.get('source')?.unsent.length === 0, 60_000);
  await openGate(world, false);
  await world.clock.advance(10_000);
  t.is(world.total('target'), undefined);
});

test('what is unsent survives the engine that wrote it down', async (t) => {
  const world = createWorld(undefined, { entity: forwarding });
  await world.clock.during(world.engine('one').start());
  await openGate(world, true);
  world.put('source', 7);
  await world.clock.until(() => world.store.documents.get('source')?.unsent.length === 1);
  world.broker.dropConnection('one', { stayDown: true });
  await openGate(world, false);
  await world.clock.during(world.engine('two').start());
  await world.clock.until(() => world.total('target') === 7, 30_000);
  t.is(world.store.documents.get('target')?.version, 1);
});

test('a lost confirm does not lose the message: it is sent again under the same id', async (t) => {
  const world = createWorld(undefined, { entity: forwarding });
  await world.clock.during(world.engine('tally').start());
  for (let n = 1; n <= 40; n += 1) {
    world.put(`source${n}`, n);
    await world.clock.settle();
    if (n % 5 === 0)
      world.broker.dropConnection('tally', { kind: 'publish', inFlight: n % 10 === 0 ? 'arrives' : 'is-lost' });
    await world.clock.advance(3);
  }
  await world.clock.until(() => world.total('target') === 820, 60_000);
  await world.clock.advance(10_000);
  t.is(world.total('target'), 820);
  t.is(world.waiting(), 0);
});

test('a message is not acknowledged before what it caused is confirmed; its next owner sends it', async (t) => {
  const world = createWorld(undefined, { entity: forwarding });
  await world.clock.during(world.engine('one').start());
  world.broker.dropConnection('one', { kind: 'publish', stayDown: true });
  world.put('source', 7);
  await world.clock.until(() => world.total('source') === 7);
  await world.clock.advance(1000);
  t.is(world.waiting(), 1);
  world.broker.dropConnection('one', { stayDown: true });
  await world.clock.during(world.engine('two').start());
  await world.clock.until(() => world.total('target') === 7, 30_000);
  t.is(world.store.documents.get('source')?.version, 1);
});

test('an entity is woken when it is due, once', async (t) => {
  const wakes: number[] = [];
  const world = createWorld(undefined, {
    entity: {
      handlers: [
        on(add, (_state, { n }, context) => ({ state: { total: n, seen: [], alarmAt: context.now + 30_000 } })),
      ],
      dueAt: (state) => state.alarmAt,
      wake(state, _body, context) {
        wakes.push(context.now);
        return { state: { total: (state?.total ?? 0) + 1, seen: [] } };
      },
    },
  });
  const start = world.clock.now();
  await world.clock.during(world.engine().start());
  world.put('a', 1);
  await world.clock.advance(29_000);
  t.deepEqual(wakes, []);
  await world.clock.until(() => world.total('a') === 2);
  await world.clock.advance(60_000);
  t.is(wakes.length, 1);
  t.true(wakes[0]! - start >= 30_000 && wakes[0]! - start < 32_000);
});

test('3,600 keys that wait for an open route are tried twice a minute at most, and whatever else is due is woken in time', async (t) => {
  const KEYS = 3600;
  const wokenAfter: number[] = [];
  const world = createWorld(undefined, {
    entity: {
      handlers: [
        on(add, (_state, { tally, n }, context) => {
          const state = { total: n, seen: [], ...(tally.startsWith('alarm') && { alarmAt: context.now + 1000 }) };
          const id = `${context.message.id}:forward`;
          return tally.startsWith('alarm')
            ? { state }
            : { state, send: [context.command(add, { tally: 'target', n }, { id })] };
        }),
      ],
      dueAt: (state) => state.alarmAt,
      wake(state, _body, context) {
        if (state?.alarmAt !== undefined) wokenAfter.push(context.now - state.alarmAt);
        return { state: { total: state?.total ?? 0, seen: [] } };
      },
    },
  });
  const own = world.broker.connect('tally');
  let tries = 0;
  const bus: Bus = {
    ...own,
    get connected() {
      return own.connected;
    },
    publish(exchange, packet, key) {
      if (exchange === inbox('tally')) tries += 1;
      return own.publish(exchange, packet, key);
    },
  };
  await world.clock.during(world.engine('tally', { bus }).start());
  await openGate(world, true);
  for (let n = 1; n <= KEYS; n += 1) world.put(`source${n}`, n);
  await world.clock.until(() => world.waiting() === 0 && tries >= KEYS, 60_000);
  // The waits have grown to a minute.
  await world.clock.advance(3 * 60_000);
  tries = 0;
  for (let n = 1; n <= 60; n += 1) {
    world.put(`alarm${n}`, n);
    await world.clock.advance(2000);
  }
  t.true(tries > KEYS, 'each was tried');
  t.true(tries <= 4 * KEYS, `${tries} tries in two minutes`);
  t.true(wokenAfter.length >= 59, `${wokenAfter.length} woken`);
  t.true(Math.max(...wokenAfter) < 2000, `woken ${Math.max(...wokenAfter)} ms late`);
});

test('wakes and answers go past the gate', async (t) => {
  const world = createWorld();
  await world.clock.during(world.engine().start());
  await openGate(world, true);
  world.put('a', 1);
  await world.clock.until(() => world.answers().length === 1);
  t.is(world.broker.queue(dead('tally')).ready.length, 0);
});

test('news that nobody hears is no trouble of its key', async (t) => {
  const heard = event('tally.heard', z.object({ n: z.int() }));
  const telling: Partial<Entity<Tally>> = {
    handlers: [
      on(add, (state, { n }, context) => ({
        state: { total: (state?.total ?? 0) + n, seen: [] },
        send: [context.news(heard, { n }, 'source')],
      })),
    ],
  };
  const world = createWorld(undefined, { entity: telling });
  await world.clock.during(world.engine().start());
  world.put('source', 7);
  await world.clock.until(() => world.waiting() === 0);
  t.is(world.total('source'), 7);
  t.deepEqual(world.store.documents.get('source')?.unsent, []);
});
