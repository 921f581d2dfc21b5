import test from 'ava';
import { createMember, Dispossessed, type MemberStore } from '#services/executor/member.ts';
import type { Durable, RaftMessage } from '#services/executor/raft/state.ts';
import { LIMITS, TIMING } from '#services/executor/timing.ts';
import { silentLog } from '#shared/log.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

const config = { ...TIMING, ...LIMITS, id: 'executor-1', members: ['executor-1', 'executor-2', 'executor-3'] };

/** One executor over a store that does what it is told. */
function world(save: (durable: Durable) => Promise<void>, stored?: Durable, tell = async (): Promise<void> => {}) {
  const clock = createVirtualClock();
  const sent: RaftMessage[] = [];
  let kept = stored;
  const store: MemberStore = {
    load: async () => kept,
    async save(durable) {
      await save(durable);
      kept = durable;
    },
    tell: () => tell(),
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

test('each time that nothing can be stored it begins again soon, however often that was so before', async (t) => {
  let works = false;
  const { clock, member } = world(() => (works ? Promise.resolve() : Promise.reject(new Error('no disk'))));
  await clock.advance(100);
  /** How long it is away after a write that failed. */
  const away = async (term: number): Promise<number> => {
    works = false;
    member.hear(asks(term));
    await clock.settle();
    const since = clock.now();
    await clock.until(() => member.state() !== undefined);
    return clock.now() - since;
  };
  const waits: number[] = [];
  for (let time = 0; time < 8; time += 1) waits.push(await away(time + 1));
  t.true(Math.max(...waits) > 500, waits.join());
  works = true;
  member.hear(asks(20));
  await clock.settle();
  t.is(member.state()?.term, 20);
  const again = await away(21);
  t.true(again <= 50, `${again} ms, before ${waits.join()}`);
  await clock.during(member.stop());
});

test('a database that stands still for seconds makes nobody miss the leader; one that is silent is missed', async (t) => {
  let takesMs = 0;
  const { clock, sent, member } = world(
    async () => {},
    undefined,
    () => clock.sleep(takesMs),
  );
  await clock.advance(100);
  member.hear({
    kind: 'append',
    from: 'executor-2',
    to: 'executor-1',
    term: 1,
    previous: { index: 0, term: 0 },
    entries: [],
    commit: 0,
    executed: 0,
  });
  await clock.settle();
  takesMs = 4000;
  await clock.advance(5200);
  takesMs = 0;
  t.deepEqual(
    sent.filter(({ kind }) => kind === 'ask-vote'),
    [],
  );
  await clock.until(() => sent.some(({ kind }) => kind === 'ask-vote'), 4000 + TIMING.electionMaxMs + 500);
  t.pass();
  await clock.during(member.stop());
});
