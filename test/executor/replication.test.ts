import test from 'ava';
import { machine } from './machine.ts';
import type { RaftMessage } from '#services/executor/raft/state.ts';
import { LIMITS } from '#services/executor/timing.ts';
import { lastSeqOf } from '#services/executor/raft/log.ts';
import { executable } from '#services/executor/raft/replication.ts';

const items = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => ({ seq: from + n, orderId: `order-${from + n}` }));

test('an entry counts and may be executed when a majority has it, in the term of the leader', (t) => {
  const one = machine();
  one.lead();
  const { persist, send } = one.input({ kind: 'take', items: items(1, 3) });
  t.is(persist?.log.entries.length, 4);
  t.is(send.filter(({ kind }) => kind === 'append').length, 2);
  t.deepEqual(executable(one.state()), []);
  one.hear(2, { kind: 'appended', term: 1, ok: true, match: 3 });
  t.deepEqual(executable(one.state()), items(1, 2));
  one.input({ kind: 'executed', seq: 1 });
  t.deepEqual(executable(one.state()), items(2, 2));
});

test('a new leader executes nothing of earlier terms before an entry of its own counts', (t) => {
  const entries = items(1, 2).map((item, n) => ({ index: n + 1, term: 1, item }));
  const one = machine({ term: 1, votedFor: undefined, log: { snapshot: { index: 0, term: 0, seq: 0 }, entries } });
  one.hear(3, { kind: 'append', term: 1, previous: { index: 2, term: 1 }, entries: [], commit: 1, executed: 0 });
  one.pass(3000);
  one.hear(2, { kind: 'vote', term: 2, pre: true, granted: true });
  one.hear(2, { kind: 'vote', term: 2, pre: false, granted: true });
  one.hear(2, { kind: 'appended', term: 2, ok: true, match: 2 });
  t.deepEqual([one.state().commit, executable(one.state())], [1, []], 'what it knew to count before it led, neither');
  one.hear(2, { kind: 'appended', term: 2, ok: true, match: 3 });
  t.deepEqual([one.state().commit, executable(one.state())], [3, items(1, 2)]);
});

test('what stands in the queue is taken in its order, once, and only by a leader', (t) => {
  const one = machine();
  one.input({ kind: 'take', items: items(1, 2) });
  t.is(one.state().log.entries.length, 0);
  one.lead();
  for (const some of [items(2, 3), items(1, 2), items(1, 2), items(4, 5)]) one.input({ kind: 'take', items: some });
  t.deepEqual(
    one.state().log.entries.flatMap(({ item }) => item?.seq ?? []),
    [1, 2],
  );
});

test('entries that conflict with the leader’s go, with all that follow them; a copy that comes again changes nothing', (t) => {
  const entry = (index: number, term: number) => ({ index, term });
  const one = machine({
    term: 2,
    votedFor: undefined,
    log: { snapshot: { index: 0, term: 0, seq: 0 }, entries: [entry(1, 1), entry(2, 1), entry(3, 2), entry(4, 2)] },
  });
  const head = { kind: 'append', term: 3, commit: 0, executed: 0 } as const;
  const refused = one.hear(2, { ...head, previous: entry(4, 3), entries: [] });
  t.like(refused.send[0], { kind: 'appended', ok: false, match: 2 }, 'the whole term that conflicts is skipped');
  const taken = one.hear(2, { ...head, previous: entry(2, 1), entries: [entry(3, 3)] });
  t.like(taken.send[0], { ok: true, match: 3 });
  t.deepEqual(taken.state.log.entries, [entry(1, 1), entry(2, 1), entry(3, 3)]);
  t.is(one.hear(2, { ...head, previous: entry(2, 1), entries: [entry(3, 3)] }).persist, undefined);
});

test('executed entries leave the log, and one who lacks them gets how far the queue was', (t) => {
  const one = machine(undefined, { kept: 2 });
  one.lead();
  one.input({ kind: 'take', items: items(1, 10) });
  one.hear(2, { kind: 'appended', term: 1, ok: true, match: 11 });
  one.input({ kind: 'executed', seq: 10 });
  t.deepEqual(one.state().log.snapshot, { index: 9, term: 1, seq: 8 });
  const { send } = one.hear(3, { kind: 'appended', term: 1, ok: false, match: 0 });
  t.like(send[0], { kind: 'snapshot', to: 'executor-3', snapshot: { index: 9, term: 1, seq: 8 } });

  const other = machine();
  const { persist } = other.hear(2, {
    ...send[0]!,
    kind: 'snapshot',
    snapshot: { index: 9, term: 1, seq: 8 },
    executed: 10,
  });
  t.deepEqual(persist?.log, { snapshot: { index: 9, term: 1, seq: 8 }, entries: [] });
  t.deepEqual([other.state().commit, other.state().executed], [9, 10]);
});

test('however many orders come and are executed, the log keeps no more of them than fit into its window and the newest executed ones', (t) => {
  const one = machine();
  const other = machine(undefined, { id: 'executor-2' });
  const most = LIMITS.window + 2 * LIMITS.kept + 1;
  const longest = { leader: 0, follower: 0 };
  const talk = (said: readonly RaftMessage[]): void => {
    for (const message of said) {
      if (message.to === 'executor-2') talk(other.input({ kind: 'message', message }).send);
      if (message.to === 'executor-1') talk(one.input({ kind: 'message', message }).send);
    }
  };
  talk(one.lead().send);
  for (let seq = 1; seq <= 20_000 && Math.max(...Object.values(longest)) <= most; seq += 50) {
    // Now and then nothing is executed for long.
    const executed = seq % 1000 > 500 ? one.state().executed : lastSeqOf(one.state().log);
    one.input({ kind: 'executed', seq: executed });
    talk(one.input({ kind: 'take', items: items(lastSeqOf(one.state().log) + 1, seq + 49) }).send);
    talk(one.pass(100));
    longest.leader = Math.max(longest.leader, one.state().log.entries.length);
    longest.follower = Math.max(longest.follower, other.state().log.entries.length);
  }
  t.log(longest);
  t.true(longest.leader <= most && longest.follower <= most, JSON.stringify(longest));
  t.true(other.state().executed > 15_000, `${other.state().executed}`);
});
