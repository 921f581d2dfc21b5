import test from 'ava';
import { startExecutors } from '#services/executor/executors.ts';
import { OtherNumber, type MemberStore } from '#services/executor/member.ts';
import { executorIds } from '#services/executor/contract.ts';
import type { RaftMessage } from '#services/executor/raft/state.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { CONTROL, peerKey, topologyOf } from '#shared/bus/topology/topology.ts';
import type { Log } from '#shared/log.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

const IDS = executorIds(3);

interface Told {
  /** So many wishes to listen. */
  readonly refused?: number;
  readonly enrol?: () => Promise<void>;
  readonly wanted?: readonly string[];
  /** Of each of these the first call is never answered. */
  readonly silent?: Iterable<string>;
}

/** Executors in one process on the broker in memory, over a database that does as it is told. */
function world({ refused = 0, enrol = async () => {}, wanted = ['executor-1'], silent = [] }: Told = {}) {
  const unanswered = new Set(silent);
  const answered = async (call: string): Promise<void> => {
    if (unanswered.delete(call)) await new Promise(() => {});
  };
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  broker.apply(
    topologyOf({ partitions: 1, routes: ['executor'], services: {} }, { ttlMs: 5000, delayMs: 1000 }, 'test'),
  );
  const bus = broker.connect('executor');
  const startedAt = clock.now();
  let queued = 0;
  const did: string[] = [];
  const warned: string[] = [];
  const log: Log = {
    debug() {},
    info() {},
    warn: (text) => void warned.push(text),
    error: (text) => void warned.push(text),
    with: () => log,
  };
  const storeOf = (id: string): MemberStore => ({
    async load() {
      await answered('load');
      did.push(`${id} begins`);
      return undefined;
    },
    save: () => answered('save'),
    tell: () => answered('tell'),
    async release() {
      did.push(`${id} is given back`);
    },
  });
  let left = refused;
  const subscribe: Bus['subscribe'] = async (...what) => {
    left -= 1;
    if (left >= 0) throw new Error('no right to listen');
    did.push('listens');
    return bus.subscribe(...what);
  };
  const executors = startExecutors({
    members: IDS,
    wanted,
    most: wanted.length,
    async enrol() {
      await answered('enrol');
      await enrol();
    },
    async claim(id) {
      await answered('claim');
      return storeOf(id);
    },
    queue: {
      async progress() {
        await answered('progress');
        return { queued, executed: 0, refused: 0 };
      },
      async after(entry) {
        if (entry === 0) did.push(`takes an entry at ${clock.now() - startedAt}`);
        return entry === 0 ? [{ seq: 1, orderId: 'order-1' }] : [];
      },
      async execute(_term, _executor, items) {
        if (items.length > 0) did.push(`has it executed at ${clock.now() - startedAt}`);
      },
    },
    bus: { subscribe, post: (onReturned) => bus.post(onReturned) },
    clock,
    log,
  });
  const post = bus.post(() => {});
  const say = (message: object): void =>
    post.send(
      CONTROL,
      { content: Buffer.from(JSON.stringify(message)), contentType: 'application/json', type: 'raft', headers: {} },
      peerKey('executor', 'executor-1'),
    );
  const enqueue = (): void => {
    queued = 1;
  };
  return { clock, executors, did, warned, say, enqueue, unanswered };
}

/** What the leader says to executor-1 when there is nothing new. */
const wordOfTheLeader = (term: number): RaftMessage => ({
  kind: 'append',
  from: 'executor-2',
  to: 'executor-1',
  term,
  previous: { index: 0, term: 0 },
  entries: [],
  commit: 0,
  executed: 0,
});

test('an executor begins once it hears the others, and is given back when it cannot', async (t) => {
  const { clock, executors, did } = world({ refused: 1 });
  await clock.advance(500);
  t.deepEqual(did, ['executor-1 is given back']);
  await clock.advance(1000);
  t.deepEqual(did.slice(1), ['listens', 'executor-1 begins']);
  t.is(executors.running().length, 1);
  await clock.during(executors.stop());
});

test('an entry is handed out in the moment in which a majority has it', async (t) => {
  const { clock, executors, did, enqueue } = world({ wanted: IDS });
  await clock.advance(10_000);
  enqueue();
  did.length = 0;
  await clock.advance(1000);
  const [taken, executed] = did.map((one) => Number(one.split(' at ')[1]));
  t.deepEqual(
    did.map((one) => one.split(' at ')[0]),
    ['takes an entry', 'has it executed'],
  );
  t.is(executed, taken);
  await clock.during(executors.stop());
});

test('what no executor of this version says is not listened to, and disturbs nobody', async (t) => {
  const { clock, executors, did, warned, say } = world();
  await clock.advance(500);
  const head = { from: 'executor-2', to: 'executor-1', term: 3 };
  for (const odd of [
    { ...head, kind: 'append', previous: { index: 0, term: 0 }, commit: 0, executed: 0 },
    { ...head, kind: 'append', previous: { index: 0, term: 0 }, entries: [{ index: 1 }], commit: 0, executed: 0 },
    { ...head, kind: 'snapshot' },
    { ...head, kind: 'ask-vote', pre: false },
    { ...head, kind: 'appended', ok: true, match: 'far' },
    { ...head, kind: 'vote', pre: false, granted: 1 },
    { ...head, kind: 'hello' },
  ])
    say(odd);
  await clock.advance(100);
  t.deepEqual([warned, executors.running()[0]?.state()?.term], [[], 0]);
  say(wordOfTheLeader(3));
  await clock.advance(100);
  t.like(executors.running()[0]?.state(), { term: 3, role: { leader: 'executor-2' } });
  t.deepEqual(did, ['listens', 'executor-1 begins']);
  await clock.during(executors.stop());
});

test('where they are another number than they were no executor runs, which is said once', async (t) => {
  const { clock, executors, did, warned } = world({ enrol: () => Promise.reject(new OtherNumber(3, 5)) });
  await clock.advance(5000);
  t.deepEqual(did, []);
  t.deepEqual(warned, ['no executor runs here: EXECUTORS is 5, and these executors are 3 since they first ran']);
  await clock.during(executors.stop());
});

const CALLS = ['enrol', 'claim', 'load', 'save', 'tell'];

test('a call that the database never answers holds an executor up for a while, and no longer', async (t) => {
  const { clock, executors, say, unanswered } = world({ silent: CALLS });
  await clock.advance(60_000);
  say(wordOfTheLeader(3));
  await clock.advance(60_000);
  t.deepEqual([...unanswered], [], 'each was asked for');
  say(wordOfTheLeader(4));
  await clock.advance(100);
  t.like(executors.running()[0]?.state(), { term: 4, role: { leader: 'executor-2' } });
  await clock.during(executors.stop());
});
