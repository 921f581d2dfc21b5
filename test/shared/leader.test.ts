import test from 'ava';
import type { Session } from '#shared/bus/bus.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { type Candidate, standForLeader } from '#shared/leader.ts';
import { silentLog } from '#shared/log.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

interface World {
  /** What happened to whom, in order. */
  readonly told: readonly string[];
  stand(name: string, lead?: (session: Session) => Promise<void>): Candidate;
  pass(ms: number): Promise<void>;
  drop(name: string): void;
  end(candidate: Candidate): Promise<void>;
}

function world(): World {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  const told: string[] = [];
  return {
    told,
    stand(name, lead = () => Promise.resolve()) {
      const bus = broker.connect(name);
      return standForLeader({
        bus,
        clock,
        log: silentLog,
        lock: 'office.leader',
        office: 'office',
        async lead(session) {
          await lead(session);
          told.push(`${name} leads`);
          return { end: () => void told.push(`${name} ends`) };
        },
      });
    },
    pass: (ms) => clock.advance(ms),
    drop: (name) => broker.dropConnection(name, { stayDown: true }),
    end: (candidate) => clock.during(candidate.stop()),
  };
}

test('one of two candidates leads, the other one is next', async (t) => {
  const { told, stand, pass, end } = world();
  const a = stand('a');
  await pass(1000);
  const b = stand('b');
  await pass(20_000);
  t.deepEqual(told, ['a leads']);
  t.deepEqual([a.standing, b.standing], ['leader', 'next']);
  await end(a);
  await end(b);
});

test('when the leader stops, its term ends before that of the next one begins', async (t) => {
  const { told, stand, pass, end } = world();
  const a = stand('a');
  await pass(1000);
  const b = stand('b');
  await pass(1000);
  await end(a);
  await pass(1000);
  t.deepEqual(told, ['a leads', 'a ends', 'b leads']);
  t.is(b.standing, 'leader');
  await end(b);
  t.deepEqual(told.at(-1), 'b ends');
});

test('when the leader loses its connection, the next one leads and the former one is out', async (t) => {
  const { told, stand, pass, drop, end } = world();
  const a = stand('a');
  await pass(1000);
  const b = stand('b');
  await pass(1000);
  drop('a');
  await pass(5000);
  t.deepEqual(told, ['a leads', 'a ends', 'b leads']);
  t.deepEqual([a.standing, b.standing], ['out', 'leader']);
  await end(a);
  await end(b);
});

test('a candidate that cannot lead frees the lock and tries again', async (t) => {
  const { told, stand, pass, end } = world();
  let tries = 0;
  const a = stand('a', () => {
    tries += 1;
    return tries < 3 ? Promise.reject(new Error('what it needs is not there')) : Promise.resolve();
  });
  await pass(20_000);
  t.is(tries, 3);
  t.deepEqual(told, ['a leads']);
  t.is(a.standing, 'leader');
  await end(a);
});
