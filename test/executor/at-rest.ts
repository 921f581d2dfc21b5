import type { ExecutionContext } from 'ava';
import { IDS, type ExecutorStage } from './stage.ts';
import type { TestStack } from '#test/support/stack.ts';
import { tail, until } from '#test/support/until.ts';

/** Once all is executed: each entry once, in order, in terms that never fall, by one executor a term; each order is placed; one leader, one log. */
export async function atRest(
  t: ExecutionContext,
  { stack, stage }: { readonly stack: TestStack; readonly stage: ExecutorStage },
  orderIds: readonly string[],
  living: readonly string[] = IDS,
): Promise<void> {
  const show = (): string => tail(stack.logs(), 'executor');
  const all = await until(
    'all are executed',
    stage.queue,
    (found) => found.every(({ state }) => state === 'executed'),
    { show },
  );
  t.deepEqual(
    all.map(({ entry }) => entry),
    all.map((_, n) => n + 1),
  );
  for (const id of orderIds) t.is(all.filter(({ orderId }) => orderId === id).length, 1, id);
  const terms = all.map(({ term = 0 }) => term);
  t.deepEqual(
    terms,
    terms.toSorted((a, b) => a - b),
  );
  for (const [term, its] of Map.groupBy(all, (one) => one.term))
    t.is(new Set(its.map(({ executedBy }) => executedBy)).size, 1, `term ${term} has one executor`);
  for (const id of orderIds)
    await until(
      `order ${id} is placed`,
      () => stack.api.get(`/v1/orders/${id}`),
      ({ status }) => status === 200,
      { show },
    );
  await until(
    'every copy is equal',
    () => Promise.all(living.map(stage.log)),
    (logs) => new Set(logs.map(({ items }) => JSON.stringify(items.slice(-50)))).size === 1,
    { show },
  );
  await until(
    'all follow one leader',
    stage.executors,
    (executors) => {
      const alive = executors.filter(({ id }) => living.includes(id));
      const [leader] = alive.filter(({ role }) => role === 'leader');
      return alive.every((one) => one.alive && one.term === leader?.term && one.leader === leader.id);
    },
    { show },
  );
}
