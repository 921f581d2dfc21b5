import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { seeded } from '#local/stand-ins/misbehaviour.ts';
import { routeTable } from '#services/services.ts';
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
    { limitMs: 90_000, show: () => tail(stack.logs(), service) },
  );
}

/** Kills it for good, unlike `stack.kill`, after which the supervisor starts it again. */
async function killForGood(name: string): Promise<void> {
  stack.kill(name);
  await stack.process(name).stop();
}

/** How long after `since` the list of workers was asked for that is without this one. */
async function goneAfterMs(name: string, since: number): Promise<number> {
  const { askedAt } = await until(
    `${name} is off the list`,
    async () => ({ askedAt: clock.now(), all: await workersOf(name.split('-')[0] ?? '') }),
    ({ all }) => !all.some(({ worker }) => worker === name),
  );
  return askedAt - since;
}

/** The broker takes each partition's owner, and another stands by where there is another. */
const settled = (): Promise<readonly Partition[]> =>
  until(
    'every partition has its owner for its one active worker',
    partitions,
    (all) =>
      all.length === routeTable.routes.length * routeTable.partitions &&
      all.every(({ owner, active, standby }) => owner !== null && active === owner && standby !== owner),
    { limitMs: 120_000, everyMs: 500 },
  );

test.serial(
  'workers that join, drain, die and freeze under load: every order ends, each key is handled in order by one worker at a time',
  async (t) => {
    t.timeout(600_000);
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
    interface Phase {
      readonly what: string;
      readonly boundMs: number;
      /** Whose messages it may hold up; those of the others tell how busy the machine was. */
      readonly of: NumberedService;
      readonly from: number;
      readonly to: number;
    }
    const phases: Phase[] = [];
    const beganAt = clock.now();
    const phase = async (
      what: string,
      of: NumberedService,
      boundMs: number,
      act: () => Promise<void>,
    ): Promise<void> => {
      const from = clock.now();
      await act();
      await clock.sleep(1500);
      phases.push({ what, of, boundMs, from, to: clock.now() });
    };
    await stack.process(late).stop();
    await shared('payment', [drained, killed, frozen]);

    const traffic = createTraffic(shop, stack, seed);
    const load = traffic.stream(ORDERS, ORDERS_PER_S);
    load.catch(() => {}); // awaited below
    const numbered = await sendNumbered(stack.amqpUrl, 'first', NUMBERED);
    t.teardown(() => numbered.close());
    await phase('nothing happens', 'payment', MOVE_MS, () => clock.sleep(1500));
    await phase(`${frozen} is frozen`, 'payment', FREEZE_MS, async () => {
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
    await phase(`${drained} drains`, 'payment', MOVE_MS, () => stack.process(drained).stop());
    await phase(`${killed} is killed`, 'payment', KILL_MS, async () => {
      const at = clock.now();
      kills.push({ worker: killed, at });
      await killForGood(killed);
      const goneMs = await goneAfterMs(killed, at);
      t.log(`${killed} was off the list of workers ${goneMs} ms after its death`);
      t.true(goneMs <= GONE_WITHIN_MS, `${goneMs} ms`);
    });
    await phase(`${late} and ${drained} join`, 'payment', MOVE_MS, async () => {
      stack.process(late).start();
      stack.process(drained).start();
      await shared('payment', [frozen, late, drained]);
    });
    await phase(`${killed} comes back`, 'payment', MOVE_MS, async () => {
      stack.process(killed).start();
      await shared('payment', [late, drained, killed, frozen]);
    });
    await phase(`${wallet} drains`, 'wallet', MOVE_MS, () => stack.process(wallet).stop());
    await phase(`${wallet} joins`, 'wallet', MOVE_MS, async () => {
      stack.process(wallet).start();
      await shared('wallet', [wallet, otherWallet]);
    });
    await phase(`${otherWallet} is killed and restarted`, 'wallet', KILL_MS, async () => {
      const before = stack.process(otherWallet).restarts();
      kills.push({ worker: otherWallet, at: clock.now() });
      stack.kill(otherWallet);
      await until(
        'it runs again',
        () => stack.process(otherWallet).restarts(),
        (restarts) => restarts > before,
      );
    });
    // It has none of the numbered messages.
    kills.push({ worker: saga, at: clock.now() });
    const lives = stack.process(saga).restarts();
    stack.kill(saga);
    await until('it runs again', () => stack.process(saga).restarts() > lives, Boolean);
    await stack.ready();
    await numbered.stop();
    const actedMs = clock.now() - beganAt;
    await load;
    await traffic.allEnded(120_000);
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
    const handled = await until(
      'all numbered messages are handled',
      handledAt,
      (times) => numbered.sent.every(({ id, service, at }) => times.has(id) || untold(service, at)),
      { limitMs: 120_000, everyMs: 500 },
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
    for (const { what, of, boundMs, from, to } of phases) {
      const delays = (isOfIt: boolean): readonly number[] =>
        numbered.sent
          .filter(({ service }) => (service === of) === isOfIt)
          .filter(({ id, at }) => at >= from && at < to && !numbered.expired.has(id) && handled.has(id))
          .map(({ id, at }) => handled.get(id)! - at)
          .toSorted((a, b) => a - b);
      const own = delays(true);
      const slowestMs = own.at(-1) ?? Infinity;
      const otherMs = delays(false).at(-1) ?? Infinity;
      t.log(
        `${what}: ${own.length} messages took ${own[Math.floor(own.length / 2)]} ms, the slowest ${slowestMs} ms, that of the other service ${otherMs} ms`,
      );
      t.true(slowestMs <= boundMs + otherMs, `${what}: ${slowestMs} ms`);
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
    'somebody has just begun',
    async () =>
      (
        await shop.read<{ items: readonly (Partition & { oldestMessageAgeMs: number | null })[] }>('/v1/partitions')
      ).items
        .filter(({ route, oldestMessageAgeMs }) => route === 'payment' && (oldestMessageAgeMs ?? 2000) < 500)
        .map(({ active }) => active ?? ''),
    (found) => found.length > 0 && found[0] !== '',
  );
  const one = stack.process(busy);
  const pid = one.pid();
  const firstAt = clock.now();
  stack.kill(busy, 'SIGTERM');
  await clock.sleep(100);
  t.is(one.pid(), pid, 'it finishes what runs');
  stack.kill(busy, 'SIGTERM');
  await until(
    'it ended',
    () => one.pid(),
    (now) => now !== pid,
    { everyMs: 5 },
  );
  const tookMs = clock.now() - firstAt - 100;
  t.log(`${busy} ended ${tookMs} ms after the second signal`);
  t.true(tookMs < 500, `${tookMs} ms`);
  await stack.ready();
  await shop.fault('payment', {});
  for (const orderId of running) t.is((await shop.ended(orderId)).order.status, 'completed');
});
