import test from 'ava';
import { ask } from './asking.ts';
import { rabbitGround } from './grounds.ts';
import { messageOf, openWorld, policy, table } from './world.ts';
import { partitionReader } from '#services/circuit-breaker/partition-facts.ts';
import { managementOf } from '#services/circuit-breaker/ttl-check.ts';
import { encode } from '#shared/bus/envelope.ts';
import { inbox } from '#shared/bus/topology/topology.ts';

/** The API lags 5 s behind the broker, on a busy machine more. */
const LAG_LIMIT_MS = 20_000;

test('the breaker tells each partition’s depth and the worker that gets its messages, also after it went', async (t) => {
  const world = await openWorld(rabbitGround, { ...policy, ttlMs: 60_000, cycleMs: 120_000 });
  t.teardown(() => world.close());
  const management = managementOf(
    world.urlOf('circuit-breaker'),
    process.env['SWITCHYARD_TEST_MANAGEMENT_URL']?.replace(/\/\/[^/]*@/, '//'),
  );
  if (management === undefined) throw new Error('SWITCHYARD_TEST_MANAGEMENT_URL is not set');
  await world.breaker({ readPartitions: partitionReader({ ...management, table }) });
  await world.until(() => world.view('payment') !== undefined);
  const payment = await world.connect('payment');
  const register = (queue: string, tag: string) =>
    payment.consume(queue, { prefetch: 2, tag, onDelivery() {}, onChannelLost() {} });
  const owner = await register('payment.000', 'payment-1/7');
  await register('payment.000', 'payment-2/1');
  await register('payment.001', 'payment-2/2');
  const gateway = await world.connect('gateway');
  const ids = Array.from({ length: 20 }, (_, index) => `m${index}`);
  await Promise.all(ids.map((id) => gateway.publish(inbox('payment'), encode(messageOf('payment', id)))));

  let asked = 0;
  const partitionsOf = async (route?: string) => {
    const reply = await ask(world, { id: `ask-${(asked += 1)}`, kind: 'partitions', ...(route ? { route } : {}) });
    if (!reply.ok) throw new Error(reply.problem);
    return reply.partitions ?? [];
  };
  const settled = async (actives: readonly (string | null)[]): Promise<boolean> => {
    const now = await partitionsOf('payment');
    const depth = now.reduce((sum, one) => sum + (one.depth ?? 0), 0);
    return depth === ids.length && JSON.stringify(now.map(({ active }) => active)) === JSON.stringify(actives);
  };
  await world.until(() => settled(['payment-1', 'payment-2']), LAG_LIMIT_MS);
  await owner.close();
  await world.until(() => settled(['payment-2', 'payment-2']), LAG_LIMIT_MS);
  const all = await partitionsOf();
  t.deepEqual(
    all.map(({ route, queue, active }) => [route, queue, active]),
    [
      ['payment', 'payment.000', 'payment-2'],
      ['payment', 'payment.001', 'payment-2'],
      ['notify', 'notify.000', null],
      ['notify', 'notify.001', null],
    ],
  );
  const unknown = await ask(world, { id: 'x', kind: 'partitions', route: 'stock' });
  t.like(unknown, { ok: false });
});

test('what the API does not know yet is null, and a worker’s name may have any form', async (t) => {
  const at = (queue: string) => `/queues/v/${queue}?columns=messages,consumer_details`;
  const answers: Record<string, unknown> = {
    [at('payment.000')]: {
      consumer_details: [
        { consumer_tag: 'other/1', activity_status: 'waiting' },
        { consumer_tag: 'a/b-1/12', activity_status: 'single_active' },
      ],
    },
    [at('payment.001')]: {
      messages: 3,
      consumer_details: [{ consumer_tag: 'amq.ctag-x', activity_status: 'single_active' }],
    },
  };
  const get = async <Answer>(path: string): Promise<Answer> => answers[path] as Answer;
  const read = partitionReader({ api: { get }, vhost: 'v', table });
  t.deepEqual(await read(['payment']), [
    { route: 'payment', queue: 'payment.000', depth: null, active: 'a/b-1' },
    { route: 'payment', queue: 'payment.001', depth: 3, active: 'amq.ctag-x' },
  ]);
  t.is((await partitionReader({ api: { get: async () => undefined }, vhost: 'v', table })(['notify'])).length, 2);
});

test('without an address of the management API the breaker says so', async (t) => {
  const world = await openWorld(rabbitGround);
  t.teardown(() => world.close());
  await world.breaker();
  await world.until(() => world.view('payment') !== undefined);
  const reply = await ask(world, { id: '1', kind: 'partitions' });
  t.regex(reply.ok ? '' : reply.problem, /management API/);
});
