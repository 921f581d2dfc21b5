import test from 'ava';
import type { GateName } from '#services/circuit-breaker/breaker.ts';
import { BREAKER_REPLY, BREAKER_REQUEST, breakerReplySchema } from '#services/circuit-breaker/contract.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { CONTROL, partitionQueues } from '#shared/bus/topology/topology.ts';
import { PublishError } from '#shared/errors.ts';
import { rabbitGround } from './grounds.ts';
import { openWorld, policy, table } from './world.ts';

const PUBLISHES = 100_000;
const TRANSITIONS = 100;
const round: readonly GateName[] = ['half_open', 'open', 'half_open', 'closed'];

test('under full load every confirmed message arrives once and every returned one never, whatever the gate does', async (t) => {
  const slow = { ...policy, ttlMs: 60_000, delayMs: 200, cycleMs: 120_000 };
  const world = await openWorld(rabbitGround, slow);
  t.teardown(() => world.close());
  await world.breaker();
  const [gateway, operator, payment] = await Promise.all(
    ['gateway', 'gateway', 'payment'].map((service) => world.connect(service)),
  );
  if (!gateway || !operator || !payment) throw new Error('not connected');
  await world.until(() => world.view('payment') !== undefined);

  const arrived: number[] = [];
  let total = 0;
  for (const queue of partitionQueues(table, 'payment')) {
    await payment.consume(queue, {
      prefetch: 1000,
      onChannelLost: () => t.fail('a consumer lost its channel'),
      onDelivery(delivery, consumer) {
        const index = Number(delivery.packet.messageId);
        arrived[index] = (arrived[index] ?? 0) + 1;
        total += 1;
        consumer.ack([delivery]);
      },
    });
  }

  const outcomes: ('confirmed' | 'returned' | undefined)[] = [];
  let confirmed = 0;
  let publishing = true;
  const content = Buffer.from('{}');
  async function publish(index: number): Promise<void> {
    const packet: Packet = { content, messageId: String(index), headers: { key: `order-${index % 1000}` } };
    try {
      await gateway?.publish('payment.in', packet);
      outcomes[index] = 'confirmed';
      confirmed += 1;
    } catch (error) {
      if (!(error instanceof PublishError) || error.code !== 'returned') throw error;
      outcomes[index] = 'returned';
    }
  }
  /** Each keeps one message under way, so that 300 confirms are outstanding at any time. */
  async function publisher(): Promise<void> {
    while (publishing) await publish(outcomes.push(undefined) - 1);
  }

  const replies = new Map<string, (ok: boolean) => void>();
  await operator.subscribe(CONTROL, [BREAKER_REPLY], ({ content: body }) => {
    const reply = breakerReplySchema.parse(JSON.parse(body.toString()));
    replies.get(reply.id)?.(reply.ok);
  });
  async function force(state: GateName, id: string): Promise<boolean> {
    const answered = new Promise<boolean>((resolve) => replies.set(id, resolve));
    const body = { id, kind: 'override', route: 'payment', state, expiresInMs: 3_600_000 };
    await operator?.publish(CONTROL, { content: Buffer.from(JSON.stringify(body)), headers: {} }, BREAKER_REQUEST);
    return answered;
  }

  const startedAt = world.clock.now();
  const publishers = Array.from({ length: 300 }, publisher);
  const latencies: number[] = [];
  let transitions = 0;
  while (transitions < TRANSITIONS || confirmed < PUBLISHES) {
    const state = round[transitions % round.length] as GateName;
    const askedAt = world.clock.now();
    t.true(await force(state, `t${transitions}`));
    latencies.push(world.clock.now() - askedAt);
    transitions += 1;
    const from = confirmed;
    const enough = PUBLISHES / TRANSITIONS;
    const wait = { closed: 2 * enough, half_open: enough, open: 0 }[state];
    if (state === 'open') await world.clock.sleep(20);
    else await world.until(() => confirmed >= from + wait);
  }
  publishing = false;
  await Promise.all(publishers);
  t.true(await force('closed', 'last'));
  const tookMs = world.clock.now() - startedAt;
  await world.until(() => total >= confirmed, 60_000);

  const returned = outcomes.filter((outcome) => outcome === 'returned').length;
  const count = (wrong: (outcome: string | undefined, copies: number) => boolean): number =>
    outcomes.filter((outcome, index) => wrong(outcome, arrived[index] ?? 0)).length;
  t.is(
    count((outcome, copies) => outcome === 'confirmed' && copies === 0),
    0,
    'lost',
  );
  t.is(
    count((_, copies) => copies > 1),
    0,
    'duplicated',
  );
  t.is(
    count((outcome, copies) => outcome === 'returned' && copies > 0),
    0,
    'both returned and delivered',
  );
  t.is(confirmed + returned, outcomes.length);
  t.true(returned > 0 && confirmed >= PUBLISHES && transitions >= TRANSITIONS);
  t.is(world.view('payment')?.expiredTotal, 0);
  const sorted = latencies.toSorted((a, b) => a - b);
  t.log(
    `${confirmed} confirmed, ${returned} returned, ${transitions} transitions in ${tookMs} ms;`,
    `a transition, asked to answered: p50 ${sorted[Math.floor(sorted.length / 2)]} ms, p99 ${sorted[Math.floor(sorted.length * 0.99)]} ms`,
  );
});
