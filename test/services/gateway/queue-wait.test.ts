import test from 'ava';
import { createRoll } from '#shared/partition/roll.ts';
import { waitOf } from '#services/gateway/queue-wait.ts';
import type { Announcement } from '#shared/partition/announcement.ts';

function world() {
  let now = 0;
  const roll = createRoll({ now: () => now }, 5000);
  return {
    /** A worker tells how long messages waited in each of its partitions; `null`: none came. */
    tell(worker: string, route: string, waits: readonly (number | null)[]): void {
      roll.take({
        kind: 'alive',
        worker,
        service: route,
        route,
        incarnation: 'first',
        since: 0,
        draining: false,
        tableVersion: 1,
        registrations: {},
        rates: { handledPerS: 0 },
        partitions: Object.fromEntries(
          waits.map((waitedMs, index) => [index, { oldestMs: null, waitedMs, handledPerS: 0 }]),
        ),
      } satisfies Announcement);
    },
    wait: () => waitOf(roll, { routes: ['order', 'saga'], now, heartbeatMs: 1000 }),
    pass: (ms: number) => (now += ms),
  };
}

test('messages wait as long as in half of the partitions that have work, whoever has them', (t) => {
  const { tell, wait } = world();
  t.is(wait(), undefined);
  tell('saga-1', 'saga', [null, null, null]);
  t.is(wait(), undefined, 'nobody has work');
  tell('saga-1', 'saga', [5, 900, 900, null]);
  tell('saga-2', 'saga', [7, 6]);
  t.is(wait(), 7, 'two keys with much to do');
  tell('saga-2', 'saga', [800, 700]);
  t.is(wait(), 800);
});

test('the route where messages wait longest counts, of those that an order needs', (t) => {
  const { tell, wait } = world();
  tell('order-1', 'order', [300, 300]);
  tell('saga-1', 'saga', [20, 20]);
  tell('notify-1', 'notify', [5000, 5000]);
  t.is(wait(), 300);
});

test('what was said long ago says nothing', (t) => {
  const { tell, wait, pass } = world();
  tell('order-1', 'order', [300]);
  pass(2400);
  t.is(wait(), 300);
  pass(200);
  t.is(wait(), undefined);
});
