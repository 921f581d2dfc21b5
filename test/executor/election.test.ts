import test from 'ava';
import { machine } from './machine.ts';
import type { RaftMessage } from '#services/executor/raft/state.ts';
import { TIMING } from '#services/executor/timing.ts';

const nothing = { index: 0, term: 0 };

test('it starts as a follower in term 0, and a leader that does not answer is missed', (t) => {
  const one = machine();
  t.deepEqual([one.state().role.kind, one.state().term], ['follower', 0]);
  one.hear(2, { kind: 'append', term: 1, previous: nothing, entries: [], commit: 0, executed: 0 });
  const sent = one.pass(TIMING.electionMaxMs);
  t.deepEqual(
    [...new Set(sent.map(({ kind, to }) => `${kind} ${to}`))],
    ['heartbeat executor-2', 'ask-vote executor-2', 'ask-vote executor-3'],
  );
  t.is(one.state().term, 1, 'asking beforehand raises no term');
});

test('with a majority behind it the candidate raises its term by 1, votes for itself and stores both before it asks', (t) => {
  const one = machine();
  one.pass(TIMING.electionMaxMs);
  const { persist, send, state } = one.hear(3, { kind: 'vote', term: 1, pre: true, granted: true });
  t.like(persist, { term: 1, votedFor: 'executor-1' });
  t.deepEqual(
    send.map((message) => [message.kind, message.term, message.to]),
    [
      ['ask-vote', 1, 'executor-2'],
      ['ask-vote', 1, 'executor-3'],
    ],
  );
  t.is(state.role.kind, 'candidate');
  t.is(one.hear(3, { kind: 'vote', term: 1, pre: false, granted: true }).state.role.kind, 'leader');
});

test('whoever wins tells all others at once that it leads, and a follower beats to the one that told it', (t) => {
  const { send, state } = machine().lead();
  t.is(state.role.kind, 'leader');
  t.deepEqual(
    send.map(({ kind, to, term }) => [kind, to, term]),
    [
      ['append', 'executor-2', 1],
      ['append', 'executor-3', 1],
    ],
  );
  const other = machine();
  const { kind: _, from: __, to: ___, ...told } = send[0] as RaftMessage & { readonly kind: 'append' };
  other.hear(2, { kind: 'append', ...told });
  const beats = other.pass(TIMING.beatMaxMs);
  t.like(beats[0], { kind: 'heartbeat', to: 'executor-2' });
});

test('a vote that comes twice is one vote', (t) => {
  const members = [1, 2, 3, 4, 5].map((n) => `executor-${n}`);
  const one = machine(undefined, { members });
  one.pass(TIMING.electionMaxMs);
  for (const pre of [true, false]) {
    const vote = { kind: 'vote', term: 1, pre, granted: true } as const;
    for (let copy = 0; copy < 3; copy += 1) one.hear(2, vote);
    t.like(one.state().role, { kind: 'candidate', pre });
    one.hear(3, vote);
  }
  t.is(one.state().role.kind, 'leader');
});

test('one vote a term, also over a restart; a lower term gets none and is told the higher one', (t) => {
  const one = machine();
  const asked = { kind: 'ask-vote', pre: false, last: nothing } as const;
  const { persist, send } = one.hear(2, { ...asked, term: 4 });
  t.like(send[0], { kind: 'vote', granted: true, term: 4 });
  t.like(persist, { term: 4, votedFor: 'executor-2' });
  const again = machine(persist);
  t.like(again.hear(3, { ...asked, term: 4 }).send[0], { granted: false, term: 4 });
  t.like(again.hear(2, { ...asked, term: 4 }).send[0], { granted: true, term: 4 });
  t.like(again.hear(3, { ...asked, term: 3 }).send[0], { granted: false, term: 4 });
  t.like(again.hear(3, { ...asked, term: 5 }).send[0], { granted: true, term: 5 });
});

test('a vote is for a log at least as new: the later term first, then the length', (t) => {
  const entries = [
    { index: 1, term: 1 },
    { index: 2, term: 3 },
  ];
  const log = { snapshot: { index: 0, term: 0, seq: 0 }, entries };
  const asks = (last: { index: number; term: number }): unknown => {
    const { send } = machine({ term: 3, votedFor: undefined, log }).hear(2, {
      kind: 'ask-vote',
      pre: false,
      last,
      term: 4,
    });
    return send[0]?.kind === 'vote' && send[0].granted;
  };
  t.deepEqual(
    [
      { index: 2, term: 3 },
      { index: 3, term: 3 },
      { index: 1, term: 4 },
      { index: 1, term: 3 },
      { index: 9, term: 2 },
    ].map(asks),
    [true, true, true, false, false],
  );
});

test('one who comes back is refused by those who hear a leader, and no term rises', (t) => {
  const one = machine();
  one.hear(2, { kind: 'append', term: 7, previous: nothing, entries: [], commit: 0, executed: 0 });
  const { send } = one.hear(3, { kind: 'ask-vote', term: 8, pre: true, last: { index: 99, term: 7 } });
  t.like(send[0], { kind: 'vote', pre: true, granted: false, term: 7 });
  t.is(one.state().term, 7);
});

test('a leader that hears no majority stops; a clock that jumps makes nobody silent', (t) => {
  const one = machine();
  one.lead();
  one.input({ kind: 'tick', now: one.state().now + 3_600_000 });
  one.input({ kind: 'tick', now: 5 });
  t.is(one.state().role.kind, 'leader');
  one.pass(TIMING.stepDownMs);
  t.deepEqual([one.state().role.kind, one.state().term], ['follower', 1]);
});

test('a leader that hears of a higher term follows at once', (t) => {
  const one = machine();
  one.lead();
  one.hear(3, { kind: 'told', term: 9 });
  t.deepEqual([one.state().role.kind, one.state().term, one.state().votedFor], ['follower', 9, undefined]);
});

test('a heartbeat to one that does not lead is answered with who does', (t) => {
  const one = machine();
  one.hear(2, { kind: 'append', term: 3, previous: nothing, entries: [], commit: 0, executed: 0 });
  for (const term of [2, 3])
    t.deepEqual(one.hear(3, { kind: 'heartbeat', term }).send, [
      { kind: 'told', from: 'executor-1', to: 'executor-3', term: 3, leader: 'executor-2' },
    ]);
});

test('whoever is not configured as a member counts for nothing: its vote, its question, its word as a leader', (t) => {
  const one = machine();
  one.pass(TIMING.electionMaxMs);
  t.like(one.hear(9, { kind: 'vote', term: 1, pre: true, granted: true }).state, { term: 0, role: { pre: true } });
  t.deepEqual(one.hear(9, { kind: 'ask-vote', term: 7, pre: false, last: nothing }).send, []);
  one.hear(9, { kind: 'append', term: 8, previous: nothing, entries: [], commit: 0, executed: 0 });
  t.like(one.state(), { term: 0, role: { kind: 'candidate' } });
});
