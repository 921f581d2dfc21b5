import test from 'ava';
import { machine } from './machine.ts';
import { ASKING } from '#services/executor/asked.ts';
import { MAX_EXECUTED } from '#services/executor/contract.ts';
import { createLeading } from '#services/executor/leading.ts';
import type { Member } from '#services/executor/member.ts';

import { lastOf, type QueueItem } from '#services/executor/raft/log.ts';
import { silentLog } from '#shared/log.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

const itemsTo = (last: number): readonly QueueItem[] =>
  Array.from({ length: last }, (_, n) => ({ seq: n + 1, orderId: `order-${n + 1}` }));

/** One that leads term 1 over a queue that executes nothing by itself; `fails`: how many commands do not reach it. */
async function world({ fails = 0 } = {}) {
  const clock = createVirtualClock();
  const raft = machine();
  raft.lead();
  const queue = { queued: 0, executed: 0, refused: 0 };
  const asked: (readonly number[])[] = [];
  let looks = 0;
  let left = fails;
  const member = {
    id: 'executor-1',
    state: raft.state,
    take: (items) => void raft.input({ kind: 'take', items }),
    executed: (seq) => void raft.input({ kind: 'executed', seq }),
  } as Member;
  const leading = createLeading({
    member,
    clock,
    log: silentLog,
    queue: {
      async progress() {
        looks += 1;
        return { ...queue };
      },
      after: async (entry, limit) => itemsTo(queue.queued).slice(entry, entry + limit),
      async execute(_term, _executor, items) {
        left -= 1;
        if (left >= 0) throw new Error('no broker');
        asked.push(items.map(({ seq }) => seq));
      },
    },
  });
  /** A second one has all of the log. */
  const count = (): void => {
    raft.hear(2, { kind: 'appended', term: 1, ok: true, match: lastOf(raft.state().log).index });
    leading.counted();
  };
  await clock.advance(1);
  count();
  await clock.settle();
  return { clock, leading, queue, asked, count, looks: () => looks };
}

test('what counts is asked for at once, without a look at the queue, and before what was asked for is executed', async (t) => {
  const { clock, leading, queue, asked, count, looks } = await world();
  t.deepEqual(asked, [[]], 'it says who leads');
  queue.queued = 2;
  await clock.advance(200);
  const before = looks();
  count();
  await clock.settle();
  t.deepEqual(asked.slice(1), [[1, 2]]);
  t.is(looks(), before);
  queue.queued = 3;
  await clock.advance(25);
  count();
  await clock.settle();
  t.deepEqual(asked.slice(1), [[1, 2], [3]]);
  await clock.during(leading.stop());
});

test('of many as many commands are sent as it takes', async (t) => {
  const { clock, leading, queue, asked, count } = await world();
  queue.queued = 2 * MAX_EXECUTED + 1;
  await clock.advance(200);
  count();
  await clock.settle();
  t.deepEqual(
    asked.slice(1).map((seqs) => [seqs[0], seqs.length]),
    [
      [1, MAX_EXECUTED],
      [MAX_EXECUTED + 1, MAX_EXECUTED],
      [2 * MAX_EXECUTED + 1, 1],
    ],
  );
  await clock.during(leading.stop());
});

test('what was lost is asked for again, however much is asked for meanwhile, and not while the queue comes on', async (t) => {
  const { clock, leading, queue, asked, count } = await world();
  for (let n = 1; n <= 4; n += 1) {
    queue.queued = n;
    await clock.advance(n === 1 ? 200 : ASKING.againMs / 3);
    count();
    await clock.settle();
    if (n === 1) t.deepEqual(asked.slice(1), [[1]]);
  }
  t.deepEqual(asked.slice(1), [[1], [2], [3], [1, 2, 3, 4]]);
  queue.executed = 2;
  await clock.advance(ASKING.againMs - 100);
  t.is(asked.length, 5, 'it has come on since it was asked again');
  await clock.advance(200);
  t.deepEqual(asked.slice(5), [[3, 4]]);
  queue.executed = 4;
  await clock.advance(3 * ASKING.againMs);
  t.is(asked.length, 6);
  await clock.during(leading.stop());
});

test('a command that was not sent is sent again with what it held', async (t) => {
  const { clock, leading, queue, asked, count } = await world({ fails: 1 });
  t.deepEqual(asked, []);
  queue.queued = 1;
  await clock.advance(400);
  count();
  await clock.settle();
  t.deepEqual(asked, [[], [1]]);
  await clock.during(leading.stop());
});
