/** Three executors in processes of their own, of which some die, freeze, or do not hear each other. */
import test from 'ava';
import { atRest } from './at-rest.ts';
import { type Cut, type ExecutorStage, executorStage, IDS } from './stage.ts';
import type { QueuedOrderView } from '#services/executor/shapes.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { shownTimes, stopwatch } from '#test/support/held-up.ts';
import { startStack, type TestStack } from '#test/support/stack.ts';
import { tail, until } from '#test/support/until.ts';

const ELECTED_WITHIN_MS = 5000;

let stack: TestStack;
let stage: ExecutorStage;

test.before(async () => {
  stack = await startStack({ processes: 'one', apart: ['executor'], workers: { executor: 3 }, relayed: true });
  stage = await executorStage(stack);
});
test.after.always(async () => {
  await stage?.close();
  await stack?.stop();
});

const show = (): string => tail(stack.logs(), 'executor');

/** All of them queued, whether or not their turn has come. */
const queued = async (orderIds: readonly string[]): Promise<readonly QueuedOrderView[]> => {
  const all = await until(
    'all are queued',
    stage.queue,
    (found) => orderIds.every((id) => found.some(({ orderId }) => orderId === id)),
    { show },
  );
  return all.filter(({ orderId }) => orderIds.includes(orderId));
};

/** Of a term that is newer, as the news tell it. */
const elected = (after: number) =>
  until(
    'a leader of a newer term is told',
    () => stage.roles.find(({ role, term }) => role === 'leader' && term > after),
    (told) => told !== undefined,
    { show, everyMs: 10 },
  ).then((told) => told!);

test.serial(
  'a leader killed with 100 queued: a new one within 5 s, of a higher term, and each order is executed once',
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

    const others = IDS.filter((id) => id !== before.id);
    const watch = stopwatch(others.map((id) => stack.process(id).pid()));
    stack.kill(before.id, 'SIGKILL');
    const killedAt = clock.now();
    const after = await elected(before.term);
    const took = watch(after.at - killedAt);
    t.log(`a new leader after ${shownTimes([took])} ms`);
    t.true(took.ms - took.heldUpMs < ELECTED_WITHIN_MS, shownTimes([took]));
    await stage.fault({});
    t.regex((await stage.metric(after.executor, 'executor_roles_total')) ?? '', /role="/);
    await atRest(t, { stack, stage }, orderIds);
  },
);

test.serial('over kill -9 and a restart within the term an executor votes for nobody else', async (t) => {
  const all = await stage.executors();
  const { id: leader, term } = await stage.leader();
  const { id: voter } = all.find(({ id, votedFor }) => id !== leader && votedFor === leader)!;
  const third = IDS.find((id) => id !== leader && id !== voter)!;
  const killedAt = new Date(clock.now()).toISOString();
  stack.kill(voter, 'SIGKILL');
  const again = await until(
    'it lives again, in its term',
    async () => (await stage.executors()).find(({ id }) => id === voter)!,
    ({ alive, since = '', leader: known }) => alive && since > killedAt && known === leader,
    { show },
  );
  t.deepEqual([again.term, again.votedFor], [term, leader]);
  const asks = { kind: 'ask-vote', from: third, to: voter, pre: false, last: { index: 1_000_000, term } } as const;
  t.like(await stage.inNameOf({ ...asks, term }), { kind: 'vote', granted: false, term });
  t.like(await stage.inNameOf({ ...asks, term: term - 1 }), { kind: 'vote', granted: false, term });
  t.like(await stage.leader(), { id: leader, term });
});

test.serial(
  'two of three down: nobody leads and nothing is executed, checkouts are approved and queued all the same; one back: all are executed',
  async (t) => {
    const { id: leader } = await stage.leader();
    const down = IDS.filter((id) => id !== leader);
    await Promise.all(down.map((id) => stack.process(id).stop()));
    await until('nobody leads', stage.executors, (all) => all.every(({ role, alive }) => !alive || role !== 'leader'), {
      show,
    });
    const approved = await stage.checkOut(3);
    const rejected = await stage.checkOut(1, { items: [] });
    t.deepEqual(
      [...approved, ...rejected].map(({ status }) => status),
      ['approved', 'approved', 'approved', 'rejected'],
    );
    const orderIds = [...approved.map(({ checkoutId }) => checkoutId), ...(await stage.enqueue(20))];
    t.true((await queued(orderIds)).every(({ state }) => state === 'queued'));
    stack.process(down[0]!).start();
    await stage.leader();
    await atRest(t, { stack, stage }, orderIds, [leader, down[0]!]);
    t.false((await stage.queue()).some(({ orderId }) => orderId === rejected[0]?.checkoutId));
    stack.process(down[1]!).start();
    await until('all live', stage.executors, (all) => all.every(({ alive }) => alive), { show });
  },
);

test.serial(
  'a leader frozen past an election: what it sent before arrives late, is refused and counted; woken, it follows',
  async (t) => {
    const before = await stage.leader();
    const refusedBy = async (id: string): Promise<number> =>
      Number(/ (\d+)$/.exec((await stage.metric(id, 'order_queue{what="refused"')) ?? '')?.[1] ?? 0);
    const refusedBefore = await refusedBy(before.id);
    // On its way to the broker; what it does not get there it cannot take back.
    const late = stack.relays!.broker.hold('executor.execute');
    const orderIds = await stage.enqueue(20);
    await late.caught;
    stack.kill(before.id, 'SIGSTOP');
    try {
      const after = await stage.leader(before.id);
      t.true(after.term > before.term);
      // Later where the frozen one works on the queue itself: until the broker has given it up, and what expired there comes again.
      const all = await until(
        'its successor has executed all',
        () => queued(orderIds),
        (found) => found.every(({ state }) => state === 'executed'),
        { show },
      );
      t.true(all.every(({ term = 0 }) => term > before.term));
      late.release();
      await until(
        'what it had sent is refused and counted',
        async () => refusedBy((await stage.leader(before.id)).id),
        (refused) => refused > refusedBefore,
        { show },
      );
    } finally {
      stack.kill(before.id, 'SIGCONT');
    }
    await until(
      'it follows',
      stage.executors,
      (all) =>
        all.some(({ id, role, alive, term }) => id === before.id && alive && role === 'follower' && term > before.term),
      { show },
    );
    await atRest(t, { stack, stage }, orderIds);
  },
);

const cuts: Readonly<Record<string, (leader: string) => Cut>> = {
  'a leader cut off from both others': (leader) => (from, to) => from === leader || to === leader,
  'a leader that nobody hears, and that hears all': (leader) => (from) => from === leader,
  'a leader that all hear, and that hears nobody': (leader) => (_, to) => to === leader,
};

for (const [what, cutOf] of Object.entries(cuts))
  test.serial(
    `${what}: another one of a higher term executes alone; healed there is one leader and one log`,
    async (t) => {
      const { id, term } = await stage.leader();
      stage.cut(cutOf(id));
      t.teardown(() => stage.cut(undefined));
      const first = await stage.enqueue(5);
      const after = await elected(term);
      t.not(after.executor, id);
      await until(
        'the one before leads no more',
        stage.executors,
        (all) => all.every((one) => one.id !== id || one.role !== 'leader'),
        { show },
      );
      const then = await stage.enqueue(5);
      await queued(then);
      await until('all are executed', stage.queue, (all) => all.every(({ state }) => state === 'executed'), { show });
      t.true((await queued(then)).every(({ executedBy, term: of = 0 }) => executedBy !== id && of > term));
      stage.cut(undefined);
      await atRest(t, { stack, stage }, [...first, ...then]);
    },
  );

test.serial(
  'each cut off from each: nobody leads and nothing is executed; healed, all is, by one leader',
  async (t) => {
    const { term } = await stage.leader();
    stage.cut(() => true);
    t.teardown(() => stage.cut(undefined));
    await until('nobody leads', stage.executors, (all) => all.every(({ role, alive }) => alive && role !== 'leader'), {
      show,
    });
    const orderIds = await stage.enqueue(10);
    t.true((await queued(orderIds)).every(({ state }) => state === 'queued'));
    t.deepEqual(
      (await stage.executors()).map((one) => one.term),
      [term, term, term],
      'who is alone raises no term',
    );
    stage.cut(undefined);
    await atRest(t, { stack, stage }, orderIds);
  },
);
