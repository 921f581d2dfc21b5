import test from 'ava';
import { executorStage } from './stage.ts';
import { startStack } from '#test/support/stack.ts';
import { tail, until } from '#test/support/until.ts';

test('three executors in one process work the queue off, and their term stays what it was', async (t) => {
  await using stack = await startStack({ processes: 'one' });
  const stage = await executorStage(stack);
  t.teardown(() => stage.close());
  const show = (): string => tail(stack.logs(), 'executor');
  const leader = await stage.leader();
  const orderIds = await stage.enqueue(200);
  const all = await until(
    'all are executed',
    stage.queue,
    (found) => found.length === orderIds.length && found.every(({ state }) => state === 'executed'),
    { show },
  );
  t.true(all.every(({ executedBy, term }) => executedBy === leader.id && term === leader.term));
  t.deepEqual(
    (await stage.executors()).map(({ id, term }) => [id, term]),
    ['executor-1', 'executor-2', 'executor-3'].map((id) => [id, leader.term]),
  );
});
