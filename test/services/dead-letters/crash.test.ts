/** Killed at every point between two steps; another copy goes on with what is there. */
import test from 'ava';
import { AMOUNT, deadLettersWorld, type Death } from './world.ts';
import { until } from '#test/support/until.ts';

const COUNT = 5;

const whileDraining: Readonly<Record<string, Death>> = {
  'before anything is stored': { call: 'record', when: 'before', nth: 1 },
  'before one in the middle is stored': { call: 'record', when: 'before', nth: 3 },
  'stored, not acknowledged': { call: 'record', when: 'after', nth: 3 },
  'about to acknowledge': { call: 'ack', when: 'before', nth: 3 },
  acknowledged: { call: 'ack', when: 'after', nth: 3 },
};

for (const [point, death] of Object.entries(whileDraining)) {
  test(`killed while draining, ${point}: each is kept, once`, async (t) => {
    const world = await deadLettersWorld(t);
    const first = world.start(death);
    world.bury(COUNT);
    await first.died;
    const stored = await world.letters();
    t.true(stored.length + world.waiting() >= COUNT, 'what is not stored yet is in the queue');
    world.start();
    const letters = await world.allAre('dead', COUNT);
    await until(
      'the queue is empty',
      () => world.waiting(),
      (left) => left === 0,
    );
    t.deepEqual(
      letters.map(({ messageId, failureCount, failures }) => ({ messageId, failureCount, kept: failures.length })),
      [1, 2, 3, 4, 5].map((index) => ({ messageId: `top-up-${index}`, failureCount: 1, kept: 1 })),
    );
  });
}

const whileReplaying: Readonly<Record<string, Death>> = {
  'asked, nothing marked': { call: 'mark', when: 'before', nth: 1 },
  'marked, the asker not told': { call: 'mark', when: 'after', nth: 1 },
  'about to publish the first': { call: 'publish', when: 'before', nth: 1 },
  'about to publish one in the middle': { call: 'publish', when: 'before', nth: 3 },
  'published, the confirm not heard': { call: 'publish', when: 'after', nth: 3 },
  'confirmed, not marked': { call: 'replayed', when: 'before', nth: 3 },
  'marked again': { call: 'replayed', when: 'after', nth: 3 },
};

for (const [point, death] of Object.entries(whileReplaying)) {
  test(`killed while replaying, ${point}: each is handled, once`, async (t) => {
    const world = await deadLettersWorld(t);
    const wallet = await world.openWallet();
    const first = world.start(death);
    world.bury(COUNT);
    await world.allAre('dead', COUNT);
    await world.tell({ kind: 'replay', select: { route: 'wallet' }, ratePerS: 200 });
    await first.died;

    const second = world.start();
    const isMarked = point !== 'asked, nothing marked';
    if (!isMarked) {
      t.deepEqual(
        await world.states(),
        Array.from({ length: COUNT }, () => 'dead'),
        'nobody was told that it happens',
      );
      await world.tell({ kind: 'replay', select: { route: 'wallet' }, ratePerS: 200 });
    }
    const letters = await world.allAre('replayed', COUNT);
    await wallet.atRest();
    for (let index = 1; index <= COUNT; index += 1) t.is(wallet.balance(index), AMOUNT, `customer ${index}`);
    t.true(letters.every(({ replays, failureCount }) => replays === 1 && failureCount === 1));
    const ids = [...first.published, ...second.published].map(({ packet }) => packet.messageId);
    const isTwice = point === 'published, the confirm not heard' || point === 'confirmed, not marked';
    t.is(ids.length, isTwice ? COUNT + 1 : COUNT, 'published twice only where nobody can know');
    t.is(new Set(ids).size, COUNT);
    t.is(world.waiting(), 0);
  });
}

test('a connection lost while draining: what was not acknowledged comes again and is known', async (t) => {
  const world = await deadLettersWorld(t);
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let calls = 0;
  world.start(undefined, {
    async record(burial) {
      const result = await world.store.record(burial);
      await gates[calls++]?.promise;
      return result;
    },
  });
  world.bury(2);
  await until('both are stored', world.letters, ({ length }) => length === 2);
  world.broker.dropConnection('dead-letters-1', { kind: 'consume' });
  for (const gate of gates) gate.resolve();
  await until(
    'both are acknowledged',
    () => world.waiting(),
    (left) => left === 0,
  );
  t.deepEqual(
    (await world.letters()).map(({ failureCount }) => failureCount),
    [1, 1],
  );
});

test('the database away: nothing is acknowledged; when it is back, everything is stored', async (t) => {
  const world = await deadLettersWorld(t);
  let away = true;
  let refused = 0;
  world.start(undefined, {
    record(burial) {
      if (!away) return world.store.record(burial);
      refused += 1;
      return Promise.reject(new Error('the database is away'));
    },
  });
  world.bury(COUNT);
  await until(
    'each was tried several times',
    () => refused,
    (tries) => tries > 3 * COUNT,
  );
  t.is(world.waiting(), COUNT);
  t.deepEqual(await world.letters(), []);
  away = false;
  await world.allAre('dead', COUNT);
  await until(
    'the queue is empty',
    () => world.waiting(),
    (left) => left === 0,
  );
});

test('the database away while replaying: what was confirmed is sent again, under the same id, and handled once', async (t) => {
  const world = await deadLettersWorld(t);
  const wallet = await world.openWallet();
  let failures = 0;
  const copy = world.start(undefined, {
    replayed(letter, at) {
      failures += 1;
      return failures === 1 ? Promise.reject(new Error('away')) : world.store.replayed(letter, at);
    },
  });
  world.bury(1);
  await world.allAre('dead', 1);
  await world.tell({ kind: 'replay', select: { route: 'wallet' } });
  await world.allAre('replayed', 1);
  await wallet.atRest();
  t.is(copy.published.length, 2);
  t.is(wallet.balance(1), AMOUNT);
});
