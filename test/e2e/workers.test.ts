import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { seeded } from '#local/misbehaviour.ts';
import { routeTable } from '#services/routes.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { committed, holdHistory, readHistory } from '#test/support/history.ts';
import { sendNumbered, type NumberedService } from '#test/support/numbered.ts';
import { partitionsOf } from '#test/support/partition-of.ts';
import { createShop, type Shop } from '#test/support/place.ts';
import { holdAll, readRest } from '#test/support/rest.ts';
import { startStack, type TestStack } from '#test/support/stack.ts';
import { createTraffic } from '#test/support/traffic.ts';
import { tail, until } from '#test/support/until.ts';

/** Fixes who drains, dies and freezes, and the orders. */
const seed = Number(process.env['SEED'] ?? clock.now() % 100_000);
const historyFile = join(tmpdir(), `switchyard-workers-${clock.id()}.jsonl`);
const ORDERS_PER_S = 4;
const ORDERS = 200;
/** Messages are sent all the time, so that some meet each hand-over. */
const NUMBERED = { keys: 16, perS: 20 };
/** Announced every second, dead after five; asking takes a moment. */
const GONE_WITHIN_MS = 7000;
/** Longer than three heartbeats of a connection, after which the broker gives up on who is silent. */
const FROZEN_MS = 17_000;
/** A planned move delays no message by more. */
const MOVE_MS = 1000;
/** The broker sees the connections of a killed process end, and the standby is next in line. */
const KILL_MS = 2000;
/** Three heartbeats of 5 s until the broker gives up on a frozen process. What expires until then is redriven, later. */
const FREEZE_MS = 16_000;

let stack: TestStack;
let shop: Shop;

test.before(async () => {
  stack = await startStack({
    workers: { payment: 4, saga: 2, wallet: 2 },
    env: { HISTORY_FILE: historyFile, RESEND_BASE_MS: '1000' },
  });
  shop = createShop(stack);
});
test.after.always(async () => {
  await stack?.stop();
  rmSync(historyFile, { force: true });
});

interface Worker {
  readonly worker: string;
  readonly service: string;
  readonly draining: boolean;
  readonly partitions: { readonly owner: readonly string[]; readonly standby: readonly string[] };
}
interface Partition {
  readonly route: string;
  readonly partition: string;
  readonly owner: string | null;
  readonly standby: string | null;
  readonly active: string | null;
}

const workersOf = async (service: string): Promise<readonly Worker[]> =>
  (await shop.read<{ items: readonly Worker[] }>('/v1/workers')).items.filter((one) => one.service === service);

const partitions = async (): Promise<readonly Partition[]> =>
  (await shop.read<{ items: readonly Partition[] }>('/v1/partitions')).items.map(
    ({ route, partition, owner, standby, active }) => ({ route, partition, owner, standby, active }),
  );

/** Resolves when the service has these workers, each with floor or ceil of its share. */
async function shared(service: string, names: readonly string[]): Promise<void> {
  const { partitions: count } = routeTable;
  const fair = [Math.floor(count / names.length), Math.ceil(count / names.length)];
  await until(
    `${service} is shared by ${names.join()}`,
    () => workersOf(service),
    (all) =>
      all.map(({ worker }) => worker).join() === names.toSorted().join() &&
      all.reduce((sum, { partitions: { owner } }) => sum + owner.length, 0) === count &&
      all.every(({ partitions: { owner } }) => fair.includes(owner.length)),
    { limitMs: 40_000, show: () => tail(stack.logs(), service) },
  );
}

/** Kills it for good, unlike `stack.kill`, after which the supervisor starts it again. */
async function killForGood(name: string): Promise<void> {
  stack.kill(name);
  await stack.process(name).stop();
}

/** How long after `since` the list of workers is without this one. */
async function goneAfterMs(name: string, since: number): Promise<number> {
  await until(
    `${name} is off the list`,
    () => workersOf(name.split('-')[0] ?? ''),
    (all) => !all.some(({ worker }) => worker === name),
  );
  return clock.now() - since;
}

/** The broker takes each partition's owner, and another stands by where there is another. */
const settled = (): Promise<readonly Partition[]> =>
  until(
    'every partition has its owner for its one active worker',
    partitions,
    (all) =>
      all.length === routeTable.routes.length * routeTable.partitions &&
      all.every(({ owner, active, standby }) => owner !== null && active === owner && standby !== owner),
    { limitMs: 60_000, everyMs: 500 },
  );

test.serial(
  'workers that join, drain, die and freeze under load: every order ends, each key is handled in order by one worker at a time',
  async (t) => {
    t.timeout(300_000);
    t.log(`SEED=${seed}`);
    const random = seeded(seed);
    const [late = '', drained = '', killed = '', frozen = ''] = ['payment-1', 'payment-2', 'payment-3', 'payment-4']
      .map((name) => ({ name, at: random() }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ name }) => name);
    const [saga = '', wallet = '', otherWallet = ''] =
      random() < 0.5 ? ['saga-1', 'wallet-1', 'wallet-2'] : ['saga-2', 'wallet-2', 'wallet-1'];
    t.log({ late, drained, killed, frozen, saga, wallet });
    const kills: { worker: string; at: number }[] = [];
    const freezes: { worker: string; from: number; to: number }[] = [];
    const phases: { what: string; boundMs: number; from: number; to: number }[] = [];
    const beganAt = clock.now();
    const phase = async (what: string, boundMs: number, act: () => Promise<void>): Promise<void> => {
      const from = clock.now();
      await act();
      await clock.sleep(1500);
      phases.push({ what, boundMs, from, to: clock.now() });
    };
    await stack.process(late).stop();
    await shared('payment', [drained, killed, frozen]);

    const traffic = createTraffic(shop, stack, seed);
    const load = traffic.stream(ORDERS, ORDERS_PER_S);
    load.catch(() => {}); // awaited below
    const numbered = await sendNumbered(stack.amqpUrl, 'first', NUMBERED);
    t.teardown(() => numbered.close());
    await phase('nothing happens', MOVE_MS, () => clock.sleep(1500));
    await phase(`${frozen} is frozen`, FREEZE_MS, async () => {
      const from = clock.now();
      stack.kill(frozen, 'SIGSTOP');
      const goneMs = await goneAfterMs(frozen, from);
      t.true(goneMs <= GONE_WITHIN_MS, `${goneMs} ms`);
      await shared('payment', [drained, killed]);
      await clock.sleep(from + FROZEN_MS - clock.now());
      stack.kill(frozen, 'SIGCONT');
      freezes.push({ worker: frozen, from, to: clock.now() });
      await shared('payment', [drained, killed, frozen]);
    });
    await phase(`${drained} drains`, MOVE_MS, () => stack.process(drained).stop());
    await phase(`${killed} is killed`, KILL_MS, async () => {
      const at = clock.now();
      kills.push({ worker: killed, at });
      await killForGood(killed);
      const goneMs = await goneAfterMs(killed, at);
      t.log(`${killed} was off the list of workers ${goneMs} ms after its death`);
      t.true(goneMs <= GONE_WITHIN_MS, `${goneMs} ms`);
    });
    await phase(`${late} and ${drained} join`, MOVE_MS, async () => {
      stack.process(late).start();
      stack.process(drained).start();
      await shared('payment', [frozen, late, drained]);
    });
    await phase(`${killed} comes back`, MOVE_MS, async () => {
      stack.process(killed).start();
      await shared('payment', [late, drained, killed, frozen]);
    });
    await phase(`${wallet} drains`, MOVE_MS, () => stack.process(wallet).stop());
    await phase(`${wallet} joins`, MOVE_MS, async () => {
      stack.process(wallet).start();
      await shared('wallet', [wallet, otherWallet]);
    });
    await phase(`${otherWallet} is killed and restarted`, KILL_MS, async () => {
      const before = stack.process(otherWallet).restarts();
      kills.push({ worker: otherWallet, at: clock.now() });
      stack.kill(otherWallet);
      await until(
        'it runs again',
        () => stack.process(otherWallet).restarts(),
        (restarts) => restarts > before,
      );
    });
    await phase(`${saga} is killed and restarted`, KILL_MS, async () => {
      kills.push({ worker: saga, at: clock.now() });
      stack.kill(saga);
      await stack.ready();
    });
    await numbered.stop();
    const actedMs = clock.now() - beganAt;
    await load;
    await traffic.allEnded(60_000);
    t.log(
      `${traffic.accepted.size} orders in ${clock.now() - beganAt} ms, the last disturbance ended after ${actedMs} ms`,
    );
    t.true(traffic.accepted.size >= ORDERS * 0.8);

    const handledAt = (): ReadonlyMap<string, number> =>
      new Map(
        committed(readHistory(historyFile)).flatMap(({ messages, committedAt }) =>
          messages.map(({ id }) => [id, committedAt] as const),
        ),
      );
    /** Who is killed between its commit and its line in the history tells nobody. */
    const untold = (service: NumberedService, at: number): boolean =>
      kills.some((kill) => kill.worker.startsWith(service) && at <= kill.at && at > kill.at - KILL_MS);
    const handled = await until('all numbered messages are handled', handledAt, (times) =>
      numbered.sent.every(({ id, service, at }) => times.has(id) || untold(service, at)),
    );
    const wallets = await Promise.all(numbered.keys.map((key) => shop.wallet(key)));
    t.is(
      wallets.reduce((sum, { available }) => sum + available.amount, 0),
      numbered.sent.filter(({ service }) => service === 'wallet').length,
    );
    holdAll(t, await readRest(shop, traffic, false));
    const lines = readHistory(historyFile);
    holdHistory(t, { lines, killed: kills, frozen: freezes, published: numbered.published() });
    const outcomes = Map.groupBy(lines, ({ outcome }) => outcome);
    t.log(
      `${lines.length} writes, of which ${outcomes.get('lost')?.length ?? 0} lost a race and ${outcomes.get('unknown')?.length ?? 0} had an unknown outcome`,
    );
    t.log(`${numbered.sent.length} numbered messages, of which ${numbered.expired.size} expired and were redriven`);
    for (const { what, boundMs, from, to } of phases) {
      const delays = numbered.sent
        .filter(({ id, at }) => at >= from && at < to && !numbered.expired.has(id) && handled.has(id))
        .map(({ id, at }) => handled.get(id)! - at)
        .toSorted((a, b) => a - b);
      const slowestMs = delays.at(-1) ?? Infinity;
      t.log(
        `${what}: ${delays.length} messages took ${delays[Math.floor(delays.length / 2)]} ms, the slowest ${slowestMs} ms`,
      );
      t.true(slowestMs <= boundMs, `${what}: ${slowestMs} ms`);
    }
  },
);

test.serial('where a key is handled is what the list of partitions says', async (t) => {
  const before = await settled();
  const from = clock.now();
  const numbered = await sendNumbered(stack.amqpUrl, 'second', { keys: 16, perS: 20 });
  t.teardown(() => numbered.close());
  await clock.sleep(1500);
  await numbered.stop();
  await Promise.all([1, 2, 3, 4, 5, 6].map(() => shop.run({ customerId: 'first-0', amount: 1 })));
  const lines = await until(
    'all is handled',
    () => committed(readHistory(historyFile)).filter(({ startedAt }) => startedAt >= from),
    (all) => {
      const ids = new Set(all.flatMap(({ messages }) => messages.map(({ id }) => id)));
      return numbered.sent.every(({ id }) => ids.has(id));
    },
  );
  t.deepEqual(await settled(), before);
  const session = await numbered.bus.session();
  t.teardown(() => session.close());
  for (const route of ['payment', 'saga', 'wallet', 'order']) {
    const of = lines.filter(({ service }) => service === route);
    const keys = [...new Set(of.map(({ key }) => key))];
    const places = await partitionsOf(session, { route, partitions: routeTable.partitions, keys });
    const wrong = of.filter(
      ({ key, worker }) => before.find(({ partition }) => partition === places.get(key))?.active !== worker,
    );
    t.deepEqual(
      wrong.map(({ key, worker }) => `${key} ran on ${worker}`),
      [],
    );
    t.log(
      `${route}: ${keys.length} keys in ${new Set(places.values()).size} partitions, on ${new Set(of.map(({ worker }) => worker)).size} workers`,
    );
    t.true(keys.length >= 6);
  }
});

test.serial('a worker that is told to stop twice ends at once', async (t) => {
  await shop.fault('payment', { latencyMs: 2000 });
  const running = await Promise.all([1, 2, 3, 4, 5, 6].map(() => shop.place({ customerId: 'first-1', amount: 1 })));
  await Promise.all(running.map((orderId) => shop.waitingFor(orderId, 'create-payment')));
  const [busy = ''] = await until(
    'somebody works',
    async () =>
      (
        await shop.read<{ items: readonly (Partition & { oldestMessageAgeMs: number | null })[] }>('/v1/partitions')
      ).items
        .filter(({ route, oldestMessageAgeMs }) => route === 'payment' && oldestMessageAgeMs !== null)
        .map(({ active }) => active ?? ''),
    (found) => found.length > 0 && found[0] !== '',
  );
  const one = stack.process(busy);
  const pid = one.pid();
  const firstAt = clock.now();
  stack.kill(busy, 'SIGTERM');
  await clock.sleep(200);
  t.is(one.pid(), pid, 'it finishes what runs');
  stack.kill(busy, 'SIGTERM');
  await until(
    'it ended',
    () => one.pid(),
    (now) => now !== pid,
    { everyMs: 5 },
  );
  t.log(`${busy} ended ${clock.now() - firstAt - 200} ms after the second signal`);
  t.true(clock.now() - firstAt < 700, `${clock.now() - firstAt} ms`);
  await stack.ready();
  await shop.fault('payment', {});
  for (const orderId of running) t.is((await shop.ended(orderId, 40_000)).order.status, 'completed');
});
