import test, { type ExecutionContext } from 'ava';
import { executorStage } from './stage.ts';
import type { QueuedOrderView } from '#services/executor/shapes.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { startStack, type TestStack } from '#test/support/stack.ts';
import { patience, tail, until } from '#test/support/until.ts';

const ELECTED_WITHIN_MS = 5000;
const IDS = ['executor-1', 'executor-2', 'executor-3'];

let stack: TestStack;
let stage: ReturnType<typeof executorStage>;

test.before(async () => {
  stack = await startStack({ processes: 'one', apart: ['executor'], workers: { executor: 3 }, relayed: true });
  stage = executorStage(stack);
});
test.after.always(async () => {
  await stage?.close();
  await stack?.stop();
});

const show = (): string => tail(stack.logs(), 'executor');

/** All of them queued, whether or not their turn has come. */
const queued = (orderIds: readonly string[]): Promise<readonly QueuedOrderView[]> =>
  until('all are queued', stage.queue, (all) => orderIds.every((id) => all.some(({ orderId }) => orderId === id)), {
    show,
  });

/** Every entry was executed once, in order, in terms that never fall; every copy of the log is equal. */
async function atRest(t: ExecutionContext, orderIds: readonly string[], living = IDS): Promise<void> {
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
  const executorsOf = Map.groupBy(all, ({ term }) => term);
  for (const [term, its] of executorsOf)
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
    (logs) => new Set(logs.map(({ items }) => JSON.stringify(items.at(-1)))).size === 1,
    { show },
  );
}

test.serial(
  'a leader killed with 100 queued: a new one in time, of a higher term, and each order is executed once',
  async (t) => {
    const before = await stage.leader();
    await stage.fault({ refuseAt: ['executor.execute'] });
    const orderIds = await stage.enqueue(100);
    t.true((await queued(orderIds)).every(({ state }) => state === 'queued'));
    await until(
      'every copy has all of them',
      () => Promise.all(IDS.map(stage.log)),
      (logs) => logs.every(({ items }) => items.filter(({ entry }) => entry !== undefined).length === 100),
      { show },
    );

    stack.kill(before.id, 'SIGKILL');
    const killedAt = clock.now();
    await stage.fault({});
    const after = await stage.leader(before.id);
    const tookMs = clock.now() - killedAt;
    t.log(`a new leader after ${tookMs} ms`);
    t.true(tookMs < patience(ELECTED_WITHIN_MS), `${tookMs} ms`);
    t.true(after.term > before.term);
    t.regex((await stage.metric(after.id, 'executor_roles_total')) ?? '', /role="/);
    await atRest(t, orderIds);
  },
);

test.serial(
  'two of three down: nobody leads and nothing is executed, orders are queued all the same; one back: all are',
  async (t) => {
    const { id: leader } = await stage.leader();
    const down = IDS.filter((id) => id !== leader);
    await Promise.all(down.map((id) => stack.process(id).stop()));
    await until('nobody leads', stage.executors, (all) => all.every(({ role, alive }) => !alive || role !== 'leader'), {
      show,
    });
    const orderIds = await stage.enqueue(20);
    const waiting = await queued(orderIds);
    t.is(waiting.filter(({ state }) => state === 'queued').length, 20);
    stack.process(down[0]!).start();
    await stage.leader();
    await atRest(t, orderIds, [leader, down[0]!]);
    stack.process(down[1]!).start();
    await until('all live', stage.executors, (all) => all.every(({ alive }) => alive), { show });
  },
);

test.serial(
  'a leader frozen past an election: what it sent before arrives late, is refused and counted; woken, it follows',
  async (t) => {
    const before = await stage.leader();
    const counted = async (): Promise<number> => {
      const { id } = await stage.leader();
      return Number(/ (\d+)$/.exec((await stage.metric(id, 'order_queue{what="refused"')) ?? '')?.[1] ?? 0);
    };
    const refusedBefore = await counted();
    // On its way to the broker; what it does not get there it cannot take back.
    const late = stack.relays!.broker.hold('executor.execute');
    const orderIds = await stage.enqueue(20);
    await late.caught;
    stack.kill(before.id, 'SIGSTOP');
    try {
      const after = await stage.leader(before.id);
      t.true(after.term > before.term);
      await until('its successor has come to the queue', late.passed, (passed) => passed > 0, { show });
      late.release();
    } finally {
      stack.kill(before.id, 'SIGCONT');
    }
    await until('what it had sent is refused and counted', counted, (refused) => refused > refusedBefore, {
      show,
      limitMs: 10_000,
    });
    await until(
      'it follows',
      stage.executors,
      (all) =>
        all.some(({ id, role, alive, term }) => id === before.id && alive && role === 'follower' && term > before.term),
      { show },
    );
    await atRest(t, orderIds);
  },
);
