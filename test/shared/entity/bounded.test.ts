import test from 'ava';
import { dead } from '#shared/bus/topology/topology.ts';
import { bytesOf } from '#shared/entity/document.ts';
import { on } from '#shared/entity/entity.ts';
import type { EntityStore } from '#shared/entity/store.ts';
import { add, added, createWorld, TTL_MS, type Tally } from '#test/support/engine-world.ts';

const MAX_BYTES = 64 * 1024;
const letters = ({ broker }: ReturnType<typeof createWorld>) => broker.queue(dead('tally')).ready;
const padding = 'x'.repeat(200_000);

test('a document that the database refuses is its own: its message is buried with the reason, others are written in the same turn', async (t) => {
  const world = createWorld();
  const batches: string[][] = [];
  const store: EntityStore<Tally> = {
    ...world.store,
    async commit(writes) {
      batches.push(writes.map(({ document }) => document.key));
      const good = writes.filter(({ document }) => document.state?.seen.includes(13) !== true);
      const { lost } = await world.store.commit(good);
      const bad = writes
        .filter((write) => !good.includes(write))
        .map(({ document }) => [document.key, 'too odd'] as const);
      return { lost, refused: new Map(bad) };
    },
  };
  await world.clock.during(world.engine('tally', { store }).start());
  for (const n of [1, 13, 2]) world.put('bad', n);
  for (let n = 1; n <= 5; n += 1) world.put(`k${n}`, n);
  await world.clock.until(() => world.total('k5') === 5, 100);
  await world.clock.until(() => world.waiting() === 0, TTL_MS / 2);
  t.deepEqual(world.store.documents.get('bad')?.state?.seen, [1, 2]);
  t.deepEqual(
    letters(world).map(({ messageId }) => messageId),
    ['bad:13'],
  );
  t.regex(String(letters(world)[0]?.headers['dead-reason']), /too odd/);
  t.true(batches[0]?.includes('bad') && batches[0].includes('k1'));
});

test('a result that would make its document too large is a dead letter at once and changes nothing', async (t) => {
  const world = createWorld(undefined, {
    entity: {
      handlers: [
        on(add, (state, { n }) => ({
          state: { total: (state?.total ?? 0) + n, seen: n === 13 ? Array.from({ length: 50_000 }, () => 1) : [n] },
        })),
      ],
    },
  });
  await world.clock.during(world.engine().start());
  world.put('a', 1);
  world.put('a', 13, { body: { tally: 'a', n: 13, padding } });
  world.put('a', 2);
  await world.clock.until(() => world.waiting() === 0, 1000);
  t.is(world.total('a'), 3);
  t.regex(String(letters(world)[0]?.headers['dead-reason']), /its document would have \d+ bytes, more than 65536/);
});

test('110 messages of 200 kB for a key whose handler fails hold up nobody and make no document large', async (t) => {
  const world = createWorld((n) => {
    if (n < 1000) throw new Error('not now');
  });
  await world.clock.during(world.engine().start());
  for (let n = 1; n <= 110; n += 1) world.put('a', n, { body: { tally: 'a', n, padding } });
  for (let n = 0; n < 10; n += 1) world.put(`k${n}`, 1000);
  await world.clock.until(() => world.waiting() === 0, 2 * TTL_MS);
  t.is(letters(world).length, 110);
  for (let n = 0; n < 10; n += 1) t.is(world.total(`k${n}`), 1000);
  t.is(world.broker.queue('tally.expired').ready.length, 0);
  t.true(bytesOf(world.store.documents.get('a') ?? {}) < MAX_BYTES);
});

test('a stash takes so many bytes and no more; the rest waits in its queue and keeps its order', async (t) => {
  let sick = true;
  const world = createWorld(
    (n) => {
      if (sick && n === 1) throw new Error('not now');
    },
    { limits: { attempts: 1000 } },
  );
  await world.clock.during(world.engine().start());
  for (let n = 1; n <= 40; n += 1) world.put('a', n, { body: { tally: 'a', n, padding: 'x'.repeat(3000) } });
  await world.clock.advance(TTL_MS);
  const stashed = world.store.documents.get('a');
  t.true((stashed?.stash.length ?? 0) > 5);
  t.true((stashed?.stash.length ?? 0) < 40);
  t.true(bytesOf(stashed) < MAX_BYTES);
  t.true(world.waiting() > 0);
  sick = false;
  await world.clock.until(() => world.waiting() === 0, 60_000);
  t.deepEqual(
    world.store.documents.get('a')?.state?.seen,
    Array.from({ length: 40 }, (_, n) => n + 1),
  );
});

test('a key that handles hundreds of messages a second stays small and forgets nothing that it must know', async (t) => {
  const world = createWorld(undefined, {
    entity: {
      handlers: [
        on(add, (state, { n }, context) => {
          world.runs.push(String(n));
          const total = (state?.total ?? 0) + 1;
          return { state: { total, seen: [] }, send: [context.answer(added, { total })] };
        }),
      ],
    },
  });
  await world.clock.during(world.engine().start());
  const deadline = world.clock.now() + 3_600_000;
  let largest = 0;
  for (let n = 1; n <= 3000; n += 1) {
    world.put('a', n, n % 2 === 0 ? { deadline } : {});
    if (n % 300 > 0) continue;
    await world.clock.advance(1000);
    largest = Math.max(largest, bytesOf(world.store.documents.get('a')));
  }
  await world.clock.until(() => world.waiting() === 0);
  t.true(largest < MAX_BYTES, `${largest} bytes`);
  t.true((world.store.documents.get('a')?.handled.length ?? 0) <= 300);
  const { total } = world.store.documents.get('a')?.state ?? { total: 0 };
  const runs = world.runs.length;
  for (let n = 1; n <= 3000; n += 300) world.put('a', n, n % 2 === 0 ? { deadline } : {});
  await world.clock.until(() => world.waiting() === 0);
  t.is(world.runs.length, runs, 'nothing ran again');
  t.is(world.store.documents.get('a')?.state?.total, total);
});

test('ids leave their document only when they are remembered outside', async (t) => {
  const world = createWorld(undefined, { limits: { handledIds: 10, prefetch: 100 } });
  let down = true;
  const store: EntityStore<Tally> = {
    ...world.store,
    remember: (records) => (down ? Promise.reject(new Error('down')) : world.store.remember(records)),
  };
  await world.clock.during(world.engine('tally', { store }).start());
  for (let n = 1; n <= 10; n += 1) world.put('a', n);
  await world.clock.until(() => world.waiting() === 0);
  world.put('a', 11);
  world.put('b', 1);
  await world.clock.until(() => world.total('b') === 1, 1000);
  await world.clock.advance(1000);
  t.is(world.store.documents.get('a')?.handled.length, 10);
  down = false;
  await world.clock.until(() => world.waiting() === 0);
  const document = world.store.documents.get('a');
  const remembered = world.store.remembered.get('a');
  for (let n = 1; n <= 11; n += 1)
    t.true(document?.handled.some(({ id }) => id === `a:${n}`) === true || remembered?.has(`a:${n}`) === true, `${n}`);
  t.true((document?.handled.length ?? 99) < 10);
});

for (const [when, isOtherSlow] of [
  ['and that was written', false],
  ['that is not written yet', true],
] as const) {
  test(`what was looked up before ids left the document ${when} is looked up again: none of them is handled twice`, async (t) => {
    const world = createWorld(undefined, { limits: { handledIds: 4 } });
    const { clock } = world;
    const asked: (readonly string[])[] = [];
    let slowMs = 0;
    const store: EntityStore<Tally> = {
      ...world.store,
      async recall(key, ids) {
        asked.push(ids);
        const found = await world.store.recall(key, ids);
        if (slowMs > 0) await clock.sleep(ids.includes('a:8') ? slowMs : 1.5 * slowMs);
        return found;
      },
      async commit(writes) {
        const outcome = await world.store.commit(writes);
        if (isOtherSlow && slowMs > 0 && writes.some(({ document: { key } }) => key !== 'a'))
          await clock.sleep(2 * slowMs);
        return outcome;
      },
    };
    await clock.during(world.engine('tally', { store }).start());
    for (let n = 1; n <= 7; n += 1) {
      world.put('a', n);
      await clock.until(() => world.waiting() === 0);
    }
    const inside = world.store.documents.get('a')?.handled.map(({ id }) => id) ?? [];
    t.deepEqual(inside, ['a:4', 'a:5', 'a:6', 'a:7']);
    slowMs = 100;
    world.put('a', 8);
    await clock.until(() => asked.at(-1)?.includes('a:8') === true, 1000);
    world.put('b', 1);
    await clock.advance(10);
    world.put('c', 1);
    // They come while 8 is looked up, and are looked up when it has run and is not written yet. With its write 4 leaves the document.
    world.put('a', 9);
    world.put('a', 4);
    await clock.until(() => world.waiting() === 0, 5000);
    t.deepEqual(world.store.documents.get('a')?.state?.seen, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    t.deepEqual(asked.slice(-2), [
      ['a:9', 'a:4'],
      ['a:9', 'a:4'],
    ]);
  });
}

test('a key whose message stands still is given back, whatever the others do', async (t) => {
  const world = createWorld();
  const hanging: EntityStore<Tally> = {
    ...world.store,
    load: (keys) => (keys.includes('stuck') ? new Promise(() => {}) : world.store.load(keys)),
  };
  await world.clock.during(world.engine('tally', { store: hanging }).start());
  world.put('stuck', 1);
  for (let second = 0; second < 3 * (TTL_MS / 1000); second += 1) {
    world.put(`k${second}`, 1);
    await world.clock.advance(1000);
  }
  await world.clock.until(() => world.broker.queue('tally.expired').ready.length > 0, TTL_MS);
  t.is(world.broker.queue('tally.expired').ready[0]?.messageId, 'stuck:1');
});
