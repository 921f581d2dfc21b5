import test from 'ava';
import { createMember, Dispossessed, type MemberStore } from '#services/executor/member.ts';
import type { Durable, RaftMessage } from '#services/executor/raft/state.ts';
import { LIMITS, TIMING } from '#services/executor/timing.ts';
import { silentLog } from '#shared/log.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

const config = { ...TIMING, ...LIMITS, id: 'executor-1', members: ['executor-1', 'executor-2', 'executor-3'] };

/** One executor over a store that does what it is told. */
function world(save: (durable: Durable) => Promise<void>, stored?: Durable) {
  const clock = createVirtualClock();
  const sent: RaftMessage[] = [];
  let kept = stored;
  const store: MemberStore = {
    load: async () => kept,
    async save(durable) {
      await save(durable);
      kept = durable;
    },
    tell: async () => {},
    release: async () => {},
  };
  const member = createMember({ config, store, clock, log: silentLog, send: (message) => void sent.push(message) });
  return { clock, sent, member, kept: () => kept };
}

const asks = (term: number, from = 'executor-2'): RaftMessage => ({
  kind: 'ask-vote',
  pre: false,
  from,
  to: 'executor-1',
  term,
  last: { index: 0, term: 0 },
});

test('a vote is given once it is stored, and not before', async (t) => {
  const storing = Promise.withResolvers<void>();
  const { clock, sent, member, kept } = world(() => storing.promise);
  await clock.advance(100);
  member.hear(asks(3));
  await clock.advance(400);
  t.deepEqual([sent, kept()], [[], undefined]);
  storing.resolve();
  await clock.settle();
  t.like(sent[0], { kind: 'vote', granted: true, term: 3, to: 'executor-2' });
  t.like(kept(), { term: 3, votedFor: 'executor-2' });
  await clock.during(member.stop());
});

test('when a vote cannot be stored nothing is answered, and it begins again with what is stored', async (t) => {
  let works = false;
  const { clock, sent, member } = world(() => (works ? Promise.resolve() : Promise.reject(new Error('no disk'))));
  await clock.advance(100);
  member.hear(asks(3));
  await clock.advance(200);
  t.deepEqual(sent, []);
  t.is(member.state()?.term, 0);
  works = true;
  member.hear(asks(3, 'executor-3'));
  await clock.settle();
  t.like(sent, [{ kind: 'vote', granted: true, to: 'executor-3' }]);
  await clock.during(member.stop());
});

test('an executor that another process runs now ends, and says nothing more', async (t) => {
  const { clock, sent, member } = world(() => Promise.reject(new Dispossessed('executor-1')));
  await clock.advance(100);
  member.hear(asks(3));
  await clock.during(member.ended);
  member.hear(asks(4));
  await clock.advance(10_000);
  t.deepEqual([sent, member.state()], [[], undefined]);
});
