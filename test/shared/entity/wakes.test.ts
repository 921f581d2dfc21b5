import test from 'ava';
import { hash } from '#shared/bus/topology/topology.ts';
import { emptyDocument } from '#shared/entity/document.ts';
import { on, type Entity } from '#shared/entity/entity.ts';
import { wakeOf } from '#shared/entity/watch.ts';
import { WAKE } from '#shared/message.ts';
import { add, createWorld, TTL_MS, type Tally } from '#test/support/engine-world.ts';

const QUEUES = ['tally.000', 'tally.001', 'tally.002', 'tally.003'];

for (const [what, key] of [
  ['of 100 CJK characters', '漢'.repeat(100)],
  ['of 1000 letters', 'k'.repeat(1000)],
] as const) {
  test(`the stash of a key ${what} is worked off: its wake can be sent`, async (t) => {
    let sick = true;
    const world = createWorld(
      () => {
        if (sick) throw new Error('not now');
      },
      { limits: { attempts: 1000 } },
    );
    await world.clock.during(world.engine().start());
    world.put(key, 1, { id: 'm1', correlationId: 'c' });
    await world.clock.until(() => world.store.documents.get(key)?.stash.length === 1, TTL_MS);
    sick = false;
    await world.clock.until(() => world.total(key) === 1, 60_000);
    t.is(world.waiting(), 0);
  });
}

test('the ids of wakes of different keys and times are different, and hold 255 bytes', (t) => {
  const keys = ['a', 'k'.repeat(1000), `${'k'.repeat(999)}l`, '漢'.repeat(100)];
  const ids = keys.flatMap((key) => [wakeOf(key, 1).id, wakeOf(key, Number.MAX_SAFE_INTEGER).id]);
  t.is(new Set(ids).size, ids.length);
  for (const key of keys)
    for (const text of [wakeOf(key, Date.UTC(3000)).id, wakeOf(key, 1).correlationId])
      t.true(Buffer.byteLength(text) <= 255);
});

/** Due at once after each message; the wake clears it. */
const alarmed: Partial<Entity<Tally>> = {
  handlers: [on(add, (_state, { n }, context) => ({ state: { total: n, seen: [], alarmAt: context.now } }))],
  dueAt: (state) => state.alarmAt,
  wake: (state) => ({ state: { total: (state?.total ?? 0) + 100, seen: [] } }),
};

test('600 due keys on a partition that nobody consumes get one wake each in a TTL, and no other key waits for its own', async (t) => {
  const world = createWorld(undefined, { entity: alarmed, limits: { sweepMs: 500 } });
  const engine = world.engine();
  await world.clock.during(engine.start());
  await world.clock.during(engine.pause());
  await world.store.commit(
    Array.from({ length: 600 }, (_, n) => ({
      over: 0,
      document: {
        ...emptyDocument<Tally>(`dead${n}`),
        version: 1,
        state: { total: 0, seen: [], alarmAt: 1 },
        dueAt: 1,
        partition: 'tally.009',
      },
    })),
  );
  const sent = new Map<string, number>();
  const bus = world.broker.connect('counting');
  const counting = world.engine('counting', {
    bus: {
      ...bus,
      get connected() {
        return bus.connected;
      },
      async publish(exchange, packet, key) {
        if (packet.type !== WAKE || !String(packet.headers['key']).startsWith('dead'))
          return bus.publish(exchange, packet, key);
        sent.set(String(packet.headers['key']), (sent.get(String(packet.headers['key'])) ?? 0) + 1);
      },
    },
  });
  await world.clock.during(counting.start());
  world.put('alive', 1);
  await world.clock.until(() => world.total('alive') === 101, 3000);
  await world.clock.advance(TTL_MS - 4000);
  t.true(sent.size > 250);
  t.true([...sent.values()].every((times) => times === 1));
});

test("an entity's own wake is acknowledged after what it caused is confirmed; its next owner sends it", async (t) => {
  const entity: Partial<Entity<Tally>> = {
    ...alarmed,
    handlers: [
      on(add, (state, { tally, n }, context) => ({
        state:
          tally === 'target'
            ? { total: (state?.total ?? 0) + n, seen: [n] }
            : { total: n, seen: [], alarmAt: context.now },
      })),
    ],
    wake: (state, _body, context) => ({
      state: { total: state?.total ?? 0, seen: [] },
      send: [context.command(add, { tally: 'target', n: 7 }, { id: 'from-wake' })],
    }),
  };
  const world = createWorld(undefined, { entity });
  await world.clock.during(world.engine('one').start());
  world.broker.dropConnection('one', { kind: 'publish', stayDown: true });
  world.put('a', 1);
  await world.clock.until(() => world.total('a') === 1);
  const dueAt = world.store.documents.get('a')?.dueAt ?? 0;
  const { content, ...wake } = packetOf('a', dueAt);
  world.broker.put(hash('tally'), { ...wake, content });
  await world.clock.until(() => world.store.documents.get('a')?.dueAt === undefined);
  await world.clock.advance(1000);
  t.is(world.waiting(), 1, 'the wake is not acknowledged');
  world.broker.dropConnection('one', { stayDown: true });
  await world.clock.during(world.engine('two').start());
  await world.clock.until(() => world.total('target') === 7, 30_000);
  t.deepEqual(
    QUEUES.filter((queue) => world.broker.queue(queue).unacked > 0),
    [],
  );
});

function packetOf(key: string, dueAt: number) {
  const { id, correlationId } = wakeOf(key, dueAt);
  return { content: Buffer.from('{}'), type: WAKE, messageId: id, correlationId, headers: { key } };
}
