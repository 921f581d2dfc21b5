import test from 'ava';
import { watchSilence } from '#services/console/silent-workers.ts';
import type { Log } from '#shared/log.ts';
import type { Announcement } from '#shared/partition/announcement.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

function world() {
  const clock = createVirtualClock();
  const lines: string[] = [];
  const log: Log = {
    debug() {},
    info: (text, fields) => void lines.push(`info ${text} ${JSON.stringify(fields)}`),
    warn: (text, fields) => void lines.push(`warn ${text} ${JSON.stringify(fields)}`),
    error() {},
    with: () => log,
  };
  const { take, close } = watchSilence({ clock, log, deadAfterMs: 5000 });
  const say = (worker: string, changes: Partial<Announcement> = {}): void =>
    take({
      kind: 'alive',
      worker,
      service: worker.split('-')[0] ?? '',
      route: worker.split('-')[0] ?? '',
      incarnation: 'first',
      since: 0,
      draining: false,
      tableVersion: 1,
      registrations: { 0: { id: 'a' }, 5: { id: 'b' } },
      rates: { handledPerS: 0 },
      partitions: {},
      ...changes,
    });
  /** These say every second that they live. */
  async function live(seconds: number, ...workers: string[]): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      await clock.advance(1000);
      for (const worker of workers) say(worker);
    }
  }
  return { lines, say, live, clock, close };
}

test('a worker that falls silent is one warning that names its partitions, and one line when it is back', async (t) => {
  const { lines, live, close } = world();
  await live(3, 'payment-1', 'wallet-1');
  await live(20, 'wallet-1');
  t.is(lines.length, 1);
  t.regex(lines[0] ?? '', /^warn a worker is not heard any more .*"payment-1","of":"payment"/);
  t.regex(lines[0] ?? '', /"partitions":\["payment\.000","payment\.005"\]/);
  await live(1, 'payment-1', 'wallet-1');
  t.regex(lines[1] ?? '', /^info a worker is heard again .*"silentMs":2\d000/);
  close();
});

test('a worker that leaves is not missed', async (t) => {
  const { lines, say, live, close } = world();
  await live(3, 'payment-1', 'wallet-1');
  say('payment-1', { kind: 'leave' });
  await live(20, 'wallet-1');
  t.deepEqual(lines, []);
  close();
});

test('while nobody is heard nobody is missed, and after that everybody has the time to speak', async (t) => {
  const { lines, live, clock, close } = world();
  await live(3, 'payment-1', 'wallet-1');
  await clock.advance(60_000);
  await live(4, 'wallet-1');
  t.deepEqual(lines, []);
  await live(4, 'wallet-1');
  t.is(lines.length, 1);
  close();
});
