import test from 'ava';
import { add, createWorld, type Tally } from '#test/support/engine-world.ts';
import { on, type Entity } from '#shared/entity/entity.ts';
import { encode } from '#shared/bus/envelope.ts';
import { dead, hash } from '#shared/bus/topology/topology.ts';

const reasons = ({ broker }: ReturnType<typeof createWorld>): readonly unknown[] =>
  broker.queue(dead('tally')).ready.map(({ headers }) => headers['dead-reason']);

for (const [what, extra, reason] of [
  ['whose answer could have no id', { id: 'i'.repeat(250) }, /the id is longer/],
  ['that asks for an answer to nowhere', { replyTo: { route: 'x'.repeat(255), key: 'a' } }, /the exchange is longer/],
] as const) {
  test(`a message ${what} is a dead letter at once, and holds up nobody`, async (t) => {
    const world = createWorld();
    await world.clock.during(world.engine().start());
    world.put('a', 1, extra);
    world.put('a', 2);
    world.put('b', 1);
    await world.clock.advance(1000);
    t.deepEqual(world.runs.toSorted(), ['a:2', 'b:1']);
    t.is(world.waiting(), 0);
    t.regex(String(reasons(world)), reason);
  });
}

test('a handler that sends what no broker takes has failed: nothing of it is kept, and the message is a dead letter', async (t) => {
  const entity: Partial<Entity<Tally>> = {
    handlers: [
      on(add, (state, { tally, n }, context) => ({
        state: { total: n, seen: [...(state?.seen ?? []), n] },
        send: [context.command(add, { tally, n }, { id: n === 1 ? 'i'.repeat(300) : `next-${n}` })],
      })),
    ],
  };
  const world = createWorld(undefined, { entity });
  await world.clock.during(world.engine().start());
  world.put('a', 1);
  await world.clock.advance(1000);
  t.regex(String(reasons(world)), /the id is longer/);
  t.is(world.total('a'), undefined);
  t.is(world.waiting(), 0);
});

test('a long id without a wish for an answer is handled', async (t) => {
  const world = createWorld();
  await world.clock.during(world.engine().start());
  const message = { id: 'i'.repeat(255), type: add.name, key: 'a', body: { tally: 'a', n: 1 }, correlationId: 'a' };
  world.broker.put(hash('tally'), encode(message));
  await world.clock.advance(1000);
  t.is(world.total('a'), 1);
});

test('an unknown type that could not be published again from a stash is a dead letter at once', async (t) => {
  const world = createWorld();
  await world.clock.during(world.engine().start());
  const message = { id: 'a:1', type: 'x', key: 'a', body: {}, correlationId: 'a' };
  world.broker.put(hash('tally'), { ...encode(message), type: 'é'.repeat(200) });
  world.put('a', 2);
  await world.clock.advance(1000);
  t.regex(String(reasons(world)), /the type is longer/);
  t.is(world.total('a'), 2);
  t.is(world.waiting(), 0);
});

test('a message that asks for an answer where this service may not write is a dead letter, once, and holds up nobody', async (t) => {
  const world = createWorld();
  await world.clock.during(world.engine('tally', { mayAnswer: (route) => route === 'asker' }).start());
  world.put('a', 1, { replyTo: { route: 'nowhere', key: 'a' } });
  world.put('a', 2);
  await world.clock.until(() => world.waiting() === 0, 1000);
  t.deepEqual(world.runs, ['a:2']);
  t.is(reasons(world).length, 1);
  t.regex(String(reasons(world)), /may not answer to the route nowhere/);
});

test('a message whose key is too long for what it causes is a dead letter at once', async (t) => {
  const world = createWorld();
  await world.clock.during(world.engine().start());
  world.put('k'.repeat(5000), 1, { id: 'm', correlationId: 'c', replyTo: { route: 'asker', key: 'a' } });
  await world.clock.until(() => world.waiting() === 0, 1000);
  t.regex(String(reasons(world)), /the key is longer/);
});

test('a send without a deadline that is refused for a day is a dead letter, and is not sent any more', async (t) => {
  const world = createWorld(undefined, { limits: { unsentMs: 3_600_000 } });
  await world.clock.during(world.engine().start());
  world.put('a', 1, { replyTo: { route: 'nowhere', key: 'a' } });
  await world.clock.until(() => world.store.documents.get('a')?.unsent.length === 1);
  await world.clock.advance(1_800_000);
  t.true((world.store.documents.get('a')?.unsent[0]?.attempts ?? 0) < 80, 'at most about once a minute');
  await world.clock.until(() => world.store.documents.get('a')?.unsent.length === 0, 3_600_000);
  t.regex(String(reasons(world)), /could not be sent to nowhere.hash/);
});
