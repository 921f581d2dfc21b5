import test from 'ava';
import { encode } from '#shared/bus/envelope.ts';
import { hash, partition, type RouteTable } from '#shared/bus/topology/topology.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { createEngine } from '#shared/entity/engine.ts';
import { on, type Entity } from '#shared/entity/entity.ts';
import { limitsFor } from '#shared/entity/options.ts';
import { createMemoryStore } from '#shared/entity/stores/memory-store.ts';
import { silentLog } from '#shared/log.ts';
import { assign } from '#shared/partition/assignment.ts';
import { createMemoryTableStore } from '#shared/partition/memory-table-store.ts';
import { createWorker } from '#shared/partition/worker.ts';
import { untilTrue } from '#test/support/until.ts';
import { add, added, type Tally } from '#test/support/engine-world.ts';
import { provisionedVhost } from '#test/support/provisioned.ts';

const PARTITIONS = 4;
const TTL_MS = 10_000;
const KEYS = 20;
/** "No message is delayed by more than 1 s by a planned move." */
const DELAY_MS = 1000;
const routes: RouteTable = {
  partitions: PARTITIONS,
  routes: ['tally', 'asker'],
  services: { tally: { route: 'tally', answers: ['asker'] }, asker: { route: 'asker', commands: ['tally'] } },
};

test('on RabbitMQ a join and a drain under load invert nothing, lose nothing and delay no message by more than 1 s', async (t) => {
  const vhost = provisionedVhost(routes, { ttlMs: TTL_MS, delayMs: 1000 });
  t.teardown(() => vhost.remove());
  await vhost.provision();
  const store = createMemoryStore<Tally>();
  const tables = createMemoryTableStore();
  // Of workers that are gone: whoever reads it first has nobody yet who hears of it.
  await tables.replace('tally', 0, assign(undefined, ['gone'], PARTITIONS));
  const sentAt = new Map<string, number>();
  const delays: number[] = [];
  const ranOn = new Map<string, string>();
  const warned: string[] = [];

  const entityOf = (name: string): Entity<Tally> => ({
    route: 'tally',
    handlers: [
      on(add, (state, { tally, n }, context) => {
        delays.push(clock.now() - sentAt.get(`${tally}:${n}`)!);
        ranOn.set(tally, name);
        const total = (state?.total ?? 0) + n;
        return { state: { total, seen: [...(state?.seen ?? []), n] }, send: [context.answer(added, { total })] };
      }),
    ],
  });

  async function start(name: string) {
    const bus = await vhost.connect('tally');
    const engine = createEngine<Tally>({
      entity: entityOf(name),
      bus,
      store,
      clock,
      log: silentLog,
      queues: [],
      worker: name,
      onRegistration: (queue, id) => worker.onRegistration(queue, id),
      limits: limitsFor(TTL_MS),
    });
    const worker = createWorker({
      engine,
      bus,
      store: tables,
      clock,
      log: { ...silentLog, warn: (text) => void warned.push(text) },
      service: 'tally',
      route: 'tally',
      partitions: PARTITIONS,
      worker: name,
      heartbeatMs: 300,
      deadAfterMs: 1500,
    });
    t.teardown(async () => {
      await worker.drain(2000);
      await engine.drain(1000);
    });
    await engine.start();
    await worker.start();
    return { name, worker, engine };
  }

  const agreed = (...workers: readonly Awaited<ReturnType<typeof start>>[]): boolean =>
    workers.every(
      ({ worker }) => worker.ready && worker.describe().members.join() === workers.map(({ name }) => name).join(),
    );

  const [a, b] = [await start('a'), await start('b')];
  await untilTrue(() => agreed(a, b));
  const sender = await vhost.connect('asker');
  let n = 0;
  let sending = true;
  /** To the broker and back, and a timer: what the machine holds up, whoever works. */
  let slowestRoundMs = 0;
  const load = (async () => {
    while (sending) {
      const tally = `k${n % KEYS}`;
      const id = `${tally}:${(n += 1)}`;
      sentAt.set(id, clock.now());
      await sender.publish(
        hash('tally'),
        encode({
          id,
          type: add.name,
          key: tally,
          body: { tally, n },
          correlationId: tally,
          replyTo: { route: 'asker', key: tally },
        }),
      );
      await clock.sleep(2);
      slowestRoundMs = Math.max(slowestRoundMs, clock.now() - sentAt.get(id)!);
    }
  })();
  await untilTrue(() => n > 100);
  const c = await start('c');
  await untilTrue(() => agreed(a, b, c));
  const settledAt = n;
  await untilTrue(() => n > settledAt + 300);
  await a.worker.drain(5000);
  t.deepEqual(a.engine.held(), []);
  await untilTrue(() => agreed(b, c));
  const drainedAt = n;
  await untilTrue(() => n > drainedAt + 300);
  sending = false;
  await load;
  const seen = (): readonly (readonly number[])[] =>
    Array.from({ length: KEYS }, (_, key) => store.documents.get(`k${key}`)?.state?.seen ?? []);
  await untilTrue(() => seen().flat().length >= n);

  t.is(seen().flat().length, n);
  for (const one of seen())
    t.deepEqual(
      one,
      one.toSorted((x, y) => x - y),
    );
  t.is(new Set(seen().flat()).size, n);
  t.deepEqual([...new Set(ranOn.values())].toSorted(), ['b', 'c']);
  const worstMs = Math.max(...delays);
  t.log(`${n} messages, the slowest after ${worstMs} ms; the slowest confirm took ${slowestRoundMs} ms`);
  t.true(worstMs <= DELAY_MS + slowestRoundMs, `${worstMs} ms`);

  t.deepEqual(warned, []);

  // The broker's view: who is active is the owner.
  const table = (await tables.load('tally'))!;
  await untilTrue(async () => {
    const consumers = (await vhost.api.get(`/consumers/${vhost.vhost}`)) as readonly {
      readonly queue: { readonly name: string };
      readonly consumer_tag: string;
      readonly activity_status: string;
    }[];
    return table.partitions.every(({ owner, standby }, index) => {
      const here = consumers.filter(({ queue }) => queue.name === partition('tally', index));
      const active = here.find((consumer) => consumer.activity_status === 'single_active');
      return (
        here.length === 2 &&
        active?.consumer_tag.startsWith(`${owner}/`) === true &&
        here.some((consumer) => consumer.consumer_tag.startsWith(`${standby}/`))
      );
    });
  });
});
