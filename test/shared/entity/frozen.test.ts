import test from 'ava';
import type { CommittedRuns } from '#shared/entity/options.ts';
import type { EntityStore } from '#shared/entity/store.ts';
import { createWorld, type Tally } from '#test/support/engine-world.ts';

test('a worker that froze with its write on the way changes nothing when it wakes', async (t) => {
  const world = createWorld();
  const frozen = Promise.withResolvers<void>();
  const commits: (CommittedRuns & { readonly by: string })[] = [];
  const history = (by: string) => (commit: CommittedRuns) => void commits.push({ ...commit, by });
  let writing = false;
  const slow: EntityStore<Tally> = {
    ...world.store,
    async commit(writes) {
      if (writes.some(({ over }) => over > 0)) {
        writing = true;
        await frozen.promise;
      }
      return world.store.commit(writes);
    },
  };
  await world.clock.during(world.engine('one', { store: slow, history: history('one') }).start());
  world.put('a', 1);
  await world.clock.until(() => world.total('a') === 1);
  world.put('a', 2);
  await world.clock.until(() => writing);
  world.broker.dropConnection('one', { stayDown: true });
  await world.clock.during(world.engine('two', { history: history('two') }).start());
  world.put('a', 3);
  world.put('a', 4);
  await world.clock.until(() => world.waiting() === 0);
  const before = world.store.documents.get('a');
  const answers = world.answers().length;
  frozen.resolve();
  await world.clock.advance(1000);
  t.deepEqual(world.store.documents.get('a'), before);
  t.deepEqual(before?.state?.seen, [1, 2, 3, 4]);
  t.is(world.answers().length, answers, 'nor does it say anything');
  t.deepEqual(
    commits.filter(({ outcome }) => outcome === 'lost').map(({ by, over }) => `${by} over ${over}`),
    ['one over 1'],
  );
});
