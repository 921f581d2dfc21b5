/** Retry and order together, on RabbitMQ: what a failing key costs the others, and that nothing overtakes its failing message. */
import test, { type ExecutionContext } from 'ava';
import { seeded } from '#local/stand-ins/misbehaviour.ts';
import { encode } from '#shared/bus/envelope.ts';
import { hash, partitionQueues, type RouteTable } from '#shared/bus/topology/topology.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { createEngine } from '#shared/entity/engine.ts';
import type { EngineOptions } from '#shared/entity/options.ts';
import { on, type Entity } from '#shared/entity/entity.ts';
import { limitsFor, type Limits } from '#shared/entity/options.ts';
import { createMemoryStore } from '#shared/entity/stores/memory-store.ts';
import { silentLog } from '#shared/log.ts';
import { untilTrue } from '#test/support/until.ts';
import { add, type Tally } from '#test/support/engine-world.ts';
import { provisionedVhost } from '#test/support/provisioned.ts';

const TTL_MS = 10_000;
const routes: RouteTable = {
  partitions: 8,
  routes: ['tally', 'asker'],
  services: { tally: { route: 'tally', answers: ['asker'] }, asker: { route: 'asker', commands: ['tally'] } },
};

/** A provisioned route with engines on it; `behave` may throw, for any try of a message. */
async function createRoute(
  t: ExecutionContext,
  behave: (tally: string, n: number, attempt: number) => void | Promise<void>,
) {
  const vhost = provisionedVhost(routes, { ttlMs: TTL_MS, delayMs: 1000 });
  t.teardown(() => vhost.remove());
  await vhost.provision();
  const store = createMemoryStore<Tally>();
  const sender = await vhost.connect('asker');
  const entity: Entity<Tally> = {
    route: 'tally',
    handlers: [
      on(add, async (state, { tally, n }, { attempt }) => {
        await behave(tally, n, attempt);
        return { state: { total: (state?.total ?? 0) + n, seen: [...(state?.seen ?? []), n] } };
      }),
    ],
  };
  return {
    store,
    seen: (tally: string): readonly number[] => store.documents.get(tally)?.state?.seen ?? [],
    put: (tally: string, n: number): Promise<void> =>
      sender.publish(
        hash('tally'),
        encode({ id: `${tally}:${n}`, type: add.name, key: tally, body: { tally, n }, correlationId: tally }),
      ),
    async start(limits: Partial<Limits> = {}, options: Partial<EngineOptions<Tally>> = {}) {
      const bus = await vhost.connect('tally');
      const engine = createEngine<Tally>({
        entity,
        bus,
        store,
        clock,
        log: silentLog,
        queues: partitionQueues(routes, 'tally'),
        limits: limitsFor(TTL_MS, limits),
        ...options,
      });
      t.teardown(() => engine.drain(1000));
      await engine.start();
      return { ...engine, kill: () => bus.close() };
    },
  };
}

const KEYS = 1000;
const ROUNDS = 5;
const MESSAGES = 1000;
const PER_MS = 0.5;
/** Below this the clock and the event loop are what is measured. */
const LEAST_MS = 10;

test('of 1000 keys a tenth fails again and again: every key keeps its order, and the others are not held up', async (t) => {
  const seed = Number(process.env['SEED'] ?? clock.now() % 100_000);
  t.log(`SEED=${seed}`);
  const random = seeded(seed);
  const isSick = (tally: string): boolean => Number(tally.slice(1)) % 10 === 0;
  let failing = false;
  let together = 0;
  // Longer than a busy machine stands still: what takes longer than half a TTL is given back, with its neighbours.
  const limits = { stashAfterMs: 1800, attempts: 1000, effectMs: 900 };

  /** One of two routes that get the same messages at the same time, so that whatever else the machine does happens to both. */
  async function half(fails: () => boolean) {
    const handledAt = new Map<string, number>();
    let atWork = 0;
    const route = await createRoute(t, async (tally, n) => {
      atWork += 1;
      together = Math.max(together, atWork);
      await clock.sleep(2);
      atWork -= 1;
      if (fails() && isSick(tally) && random() < 0.7) throw new Error('not now');
      handledAt.set(`${tally}:${n}`, performance.now());
    });
    await route.start(limits);
    return { ...route, handledAt };
  }
  const sick = await half(() => failing);
  const well = await half(() => false);
  const halves = [sick, well];
  const sentOf = new Map<string, number[]>();
  let n = 0;

  /** By how much messages of healthy keys took longer where others failed than where none did, ms, sorted. */
  async function round(): Promise<readonly number[]> {
    failing = true;
    const sentAt = new Map<string, number>();
    const confirms: Promise<void>[] = [];
    const from = performance.now();
    for (let sent = 0; sent < MESSAGES; sent += 1) {
      while (sent >= (performance.now() - from) * PER_MS) await clock.sleep(1);
      const tally = `k${Math.floor(random() * KEYS)}`;
      n += 1;
      sentOf.set(tally, [...(sentOf.get(tally) ?? []), n]);
      sentAt.set(`${tally}:${n}`, performance.now());
      // Neither is always the first.
      for (const route of n % 2 === 0 ? halves : halves.toReversed()) confirms.push(route.put(tally, n));
    }
    await Promise.all(confirms);
    const healthy = [...sentAt].filter(([id]) => !isSick(id.split(':')[0] ?? ''));
    await untilTrue(() => halves.every(({ handledAt }) => healthy.every(([id]) => handledAt.has(id))));
    const stashed = [...sick.store.documents.values()].filter(({ stash }) => stash.length > 0).length;
    t.log(`${stashed} keys wait in their documents`);
    failing = false;
    await untilTrue(() => halves.every(({ handledAt }) => sentAt.keys().every((id) => handledAt.has(id))));
    return healthy
      .map(([id]) => sick.handledAt.get(id)! - well.handledAt.get(id)!)
      .toSorted((one, other) => one - other);
  }

  await round();
  const rounds: { readonly later: number; readonly earlier: number }[] = [];
  for (let index = 0; index < ROUNDS; index += 1) {
    const differences = await round();
    const at = (part: number): number => differences[Math.floor(differences.length * part)] ?? NaN;
    // Where nobody is held up, as many come sooner as come later, by as much.
    rounds.push({ later: at(0.95), earlier: -at(0.05) });
  }
  const ratios = rounds.map(({ later, earlier }) => later / Math.max(earlier, LEAST_MS)).toSorted((a, b) => a - b);
  const shown = rounds.map(({ later, earlier }) => `${later.toFixed(1)}/${earlier.toFixed(1)}`).join(', ');
  t.log(`of 100 messages of healthy keys 5 come so many ms later while others fail / 5 so many earlier: ${shown}`);
  t.log(`up to ${together} keys at work at once`);
  // Handled, then committed.
  for (const { seen } of halves) {
    await untilTrue(() => [...sentOf.keys()].reduce((sum, tally) => sum + seen(tally).length, 0) >= n);
    for (const [tally, sent] of sentOf) t.deepEqual(seen(tally), sent);
  }
  t.true(together >= 2);
  // The round in the middle.
  t.true(ratios[Math.floor(ROUNDS / 2)]! <= 2, `${ratios.map((ratio) => ratio.toFixed(2)).join(', ')}: ${shown}`);
});

test('a key that fails keeps its order over hand-overs and over the death of its worker, in its queue and in its document', async (t) => {
  let sick = true;
  const tried: string[] = [];
  const route = await createRoute(t, (tally, n) => {
    if (tally !== 'sick') return;
    tried.push(`${n}`);
    if (sick) throw new Error('not now');
  });
  const queues = partitionQueues(routes, 'tally');
  const limits = { attempts: 1000, stashAfterMs: 2500, effectMs: 200, retry: { baseMs: 50, capMs: 300 } };
  let n = 0;
  const more = async (): Promise<void> => {
    for (let count = 0; count < 5; count += 1) await Promise.all([route.put('sick', (n += 1)), route.put('well', n)]);
    await untilTrue(() => route.seen('well').length === n);
  };
  const triesMore = async (): Promise<void> => {
    const before = tried.length;
    await untilTrue(() => tried.length > before + 1);
  };
  const stashed = (): number => route.store.documents.get('sick')?.stash.length ?? 0;

  const first = await route.start(limits);
  await more();
  await triesMore();
  const second = await route.start(limits);
  for (const queue of queues) await first.release(queue, 1000);
  await more();
  await triesMore();
  t.is(stashed(), 0, 'handed over while its messages wait in the queue');
  await second.kill();
  const third = await route.start(limits);
  await more();
  await untilTrue(() => stashed() === n);
  const fourth = await route.start(limits);
  for (const queue of queues) await third.release(queue, 1000);
  await more();
  await untilTrue(() => stashed() === n);
  await triesMore();
  await fourth.kill();
  await route.start(limits);
  await more();
  await triesMore();
  t.deepEqual([...new Set(tried)], ['1'], 'nothing overtakes what fails');
  sick = false;
  await untilTrue(() => route.seen('sick').length >= n);
  const all = Array.from({ length: n }, (_, index) => index + 1);
  t.deepEqual(route.seen('sick'), all);
  t.deepEqual(route.seen('well'), all);
});
