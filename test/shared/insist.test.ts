import test from 'ava';
import { insist } from '#shared/insist.ts';
import { type Log, silentLog } from '#shared/log.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

const backoff = { baseMs: 100, capMs: 400 };

/** Fails so many times. */
function failing(times: number): { readonly tries: () => number; attempt(): Promise<string> } {
  let tries = 0;
  return {
    tries: () => tries,
    attempt() {
      tries += 1;
      return tries <= times ? Promise.reject(new Error(`failure ${tries}`)) : Promise.resolve('done');
    },
  };
}

test('what fails is tried until it succeeds, and its third failure is the one that is logged', async (t) => {
  const clock = createVirtualClock();
  const lines: string[] = [];
  const log: Log = { ...silentLog, warn: (text, fields) => void lines.push(`${text} ${JSON.stringify(fields)}`) };
  const { tries, attempt } = failing(5);
  const how = { warning: 'not yet', fields: { queue: 'q' }, backoff, isWanted: () => true };
  t.is(await clock.during(insist({ clock, log }, how, attempt)), 'done');
  t.is(tries(), 6);
  t.deepEqual(lines, ['not yet {"queue":"q","reason":"failure 3"}']);
  t.true(clock.now() >= 50 + 100 + 200 + 200 + 200, 'the waits grow up to the cap');
});

test('what nobody wants any more is not tried again', async (t) => {
  const clock = createVirtualClock();
  const { tries, attempt } = failing(Infinity);
  const how = { backoff, isWanted: () => tries() < 2 };
  t.is(await clock.during(insist({ clock, log: silentLog }, how, attempt)), undefined);
  t.is(tries(), 2);
});

test('a signal ends the wait between two tries', async (t) => {
  const clock = createVirtualClock();
  const stopping = new AbortController();
  const { tries, attempt } = failing(Infinity);
  const startedAt = clock.now();
  const how = { backoff: { baseMs: 60_000, capMs: 60_000 }, isWanted: () => !stopping.signal.aborted };
  const done = insist({ clock, log: silentLog }, { ...how, signal: stopping.signal }, attempt);
  await clock.advance(10);
  stopping.abort();
  t.is(await clock.during(done), undefined);
  t.is(tries(), 1);
  t.true(clock.now() - startedAt < 1000);
});
