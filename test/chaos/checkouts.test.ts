/** What a chaos run says of checkouts: each thing that must not be is told, and what is right is not. */
import test from 'ava';
import { type Bought, checkoutFaults, losingAnswers } from './checkouts.ts';
import { startTurns } from './turns.ts';
import type { Api } from '#local/commands/api.ts';
import { checkoutPlanOf, expectedOf } from '#local/commands/simulator/checkout-plan.ts';
import type { CheckoutRow } from '#local/commands/simulator/checkout-verdict.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

const plan = checkoutPlanOf({ seed: 3, ratePerS: 1, count: 30, customers: 3 });

/** Everything as it has to be. */
function right(): Bought {
  const rows = plan.checkouts.map(({ n, kind }): CheckoutRow => {
    const { rejected, orderFails } = expectedOf(kind);
    const row = { n, kind, dueAt: 0, checkoutId: `c${n}` };
    if (rejected !== undefined) return { ...row, decision: 'rejected', ...rejected };
    if (orderFails !== undefined) return { ...row, decision: 'approved', order: 'failed', orderReason: orderFails };
    return { ...row, decision: 'approved', order: 'completed' };
  });
  const approved = rows.filter(({ decision }) => decision === 'approved');
  const contactOf = (n: number): string => plan.checkouts.find((one) => one.n === n)!.contact;
  return {
    plan,
    rows,
    queue: approved.map(({ checkoutId }, index) => ({
      entry: index + 1,
      orderId: checkoutId!,
      state: 'executed',
      enqueuedAt: '',
      executedBy: 'executor-1',
      term: 1,
    })),
    orders: approved.map(({ n, checkoutId, order }) => ({ id: checkoutId!, email: contactOf(n), status: order! })),
  };
}

const rowOf = (kind: CheckoutRow['kind']): CheckoutRow => right().rows.find((row) => row.kind === kind)!;

function withRow(changed: CheckoutRow): Bought {
  const all = right();
  return { ...all, rows: all.rows.map((row) => (row.n === changed.n ? changed : row)) };
}

test('where everything is as it has to be nothing is told', (t) => {
  t.deepEqual(checkoutFaults(right()), []);
});

test('each checkout that is not decided is told, for its customer insisted', (t) => {
  const { order: _, ...row } = rowOf('approved');
  for (const decision of ['given_up', 'unanswered', 'refused', 'open', 'invalid'] as const) {
    const told = checkoutFaults(withRow({ ...row, decision }));
    t.true(
      told.some((what) => what.startsWith('checkouts are decided')),
      `${decision}: ${told.join()}`,
    );
  }
});

test('an approved one that is not in the queue, twice in it, or not executed is told', (t) => {
  const { queue, ...rest } = right();
  const [first, ...others] = queue;
  const { executedBy: _, ...nobody } = first!;
  for (const odd of [
    others,
    [...queue, { ...first!, entry: 99 }],
    [{ ...first!, state: 'queued' as const }, ...others],
    [nobody, ...others],
  ])
    t.regex(checkoutFaults({ ...rest, queue: odd }).join('\n'), /^I-13: checkout \d+ \(\w+, c\d+\) in the queue/);
});

test('what is in the queue and was never told to be approved is told', (t) => {
  const { queue, ...rest } = right();
  const stranger = { ...queue[0]!, entry: 99, orderId: 'c0' };
  t.deepEqual(checkoutFaults({ ...rest, queue: [...queue, stranger] }), [
    'I-13: entry 99 is of c0, which nobody was told is approved',
  ]);
});

test('whoever wanted to buy once and has two orders, or was rejected and has one, is told', (t) => {
  const all = right();
  const { contact } = plan.checkouts.find(({ kind }) => kind === 'approved')!;
  const twice = { id: 'other', email: contact, status: 'completed' as const };
  t.regex(
    checkoutFaults({ ...all, orders: [...all.orders, twice] }).join('\n'),
    /^bought once: order other is bought for/,
  );
  const rejected = plan.checkouts.find(({ kind }) => expectedOf(kind).rejected !== undefined)!;
  const order = { id: `c${rejected.n}`, email: rejected.contact, status: 'completed' as const };
  t.regex(checkoutFaults({ ...all, orders: [...all.orders, order] }).join('\n'), /^bought once/);
});

test('a run in which hardly anything is bought is told', (t) => {
  const all = right();
  const orders = all.orders.map((order) => ({ ...order, status: 'failed' as const }));
  t.regex(checkoutFaults({ ...all, orders }).join('\n'), /^enough is bought: of \d+ that should be bought 0 were/);
});

test('of every two answers to checkouts one is lost after it was sent, of others none', async (t) => {
  const asked: string[] = [];
  const api = { post: async (path: string) => void asked.push(path) } as unknown as Api;
  const losing = losingAnswers(api, 2);
  const ask = (path: string) =>
    losing.post(path, {}).then(
      () => 'told',
      () => 'lost',
    );
  const told = [
    await ask('/v1/checkouts'),
    await ask('/v1/checkouts'),
    await ask('/v1/orders'),
    await ask('/v1/orders'),
  ];
  t.deepEqual(told, ['told', 'lost', 'told', 'told']);
  t.is(asked.length, 4);
});

test('turns come now and then and when they are given, each once', async (t) => {
  const clock = createVirtualClock();
  const turns = startTurns(clock, 1000);
  const had: number[] = [];
  const waiting = [1, 2, 3, 4].map((n) => turns.next().then(() => had.push(n)));
  await clock.advance(900);
  t.deepEqual(had, []);
  turns.give();
  turns.give();
  await clock.settle();
  t.deepEqual(had, [1, 2]);
  await clock.advance(1100);
  t.deepEqual(had, [1, 2, 3, 4]);
  await Promise.all(waiting);
  turns.stop();
  turns.give();
  await turns.next();
  const none = turns.next().then(() => had.push(5));
  await clock.advance(10_000);
  t.is(had.length, 4);
  void none;
});
