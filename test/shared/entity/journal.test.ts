import test from 'ava';
import { on, type Entity } from '#shared/entity/entity.ts';
import { silentLog } from '#shared/log.ts';
import { add, added, createWorld, type Tally } from '#test/support/engine-world.ts';

const journaling: Partial<Entity<Tally>> = {
  handlers: [
    on(add, (state, { tally, n }, context) => {
      const total = (state?.total ?? 0) + n;
      const journal = [{ id: `entry-${n}`, tally, n }];
      return { state: { total, seen: [] }, journal, send: [context.answer(added, { total })] };
    }),
  ],
};

test('a record that contradicts the journal is told, stays in its document, and holds up nothing', async (t) => {
  const world = createWorld(undefined, { entity: journaling });
  await world.store.append([{ id: 'entry-1', tally: 'another', n: 1 }]);
  const errors: unknown[] = [];
  const log = { ...silentLog, error: (_: string, fields?: object) => void errors.push(fields) };
  const engine = world.engine('tally', { log });
  await world.clock.during(engine.start());
  for (const n of [1, 2, 3]) world.put('a', n);
  await world.clock.until(() => world.waiting() === 0);
  world.put('a', 4);
  await world.clock.until(() => world.waiting() === 0);
  t.is(world.answers().length, 4);
  t.deepEqual(errors[0], { route: 'tally', records: ['entry-1'] });
  t.deepEqual(world.store.journal.get('entry-1'), { id: 'entry-1', tally: 'another', n: 1 });
  const riding = world.store.documents.get('a')!.journal.map(({ id }) => id);
  t.deepEqual(riding, ['entry-1', 'entry-4'], 'the others left with the commit after they were written');
  t.deepEqual([...world.store.journal.keys()], ['entry-1', 'entry-2', 'entry-3', 'entry-4']);
});
