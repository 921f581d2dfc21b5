/** The busiest wallet on the real engine: 300 orders a second, for more than twice as long as an id must be remembered. */
import test from 'ava';
import { recordsIn } from '#test/support/records.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';
import { routeTable } from '#services/services.ts';
import * as contract from '#services/wallet/contract.ts';
import type { Entry } from '#services/wallet/ledger.ts';
import { walletEntity, type WalletState } from '#services/wallet/wallet.ts';
import { encode } from '#shared/bus/envelope.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { hash, partitionQueues, topologyOf } from '#shared/bus/topology/topology.ts';
import { bytesOf } from '#shared/entity/document.ts';
import { createEngine } from '#shared/entity/engine.ts';
import { limitsFor } from '#shared/entity/options.ts';
import { createMemoryStore } from '#shared/entity/stores/memory-store.ts';
import { silentLog } from '#shared/log.ts';
import type { CommandType } from '#shared/message.ts';

const TTL_MS = 10_000;
const PER_S = 300;
const SECONDS = 240;
const STEP_DEADLINE_MS = 60_000;
const CUSTOMER = 'a-customer-of-a-shop-that-is-on-television';
const FUNDS = 1_000_000_000;
const ONE = { amount: 1, currency: 'EUR' } as const;

/** What becomes of orders. The undo of a `late` one overtakes its hold. */
const FATES = ['captured', 'captured', 'captured', 'released', 'refunded', 'late'] as const;
/** Some holds come again so many seconds later: the last time past their deadline, when they are still known. */
const AGAIN_S = [1, 30, 85];

test(`${PER_S} orders a second for ${SECONDS} s: the document stays under 64 KB and forgets nothing that it must know`, async (t) => {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  broker.apply(topologyOf(routeTable, { ttlMs: TTL_MS, delayMs: 2000 }, 'test'));
  const store = createMemoryStore<WalletState>({ now: clock.now });
  let largest = 0;
  const engine = createEngine<WalletState>({
    entity: walletEntity({ findRecords: recordsIn(store.journal) }),
    bus: broker.connect('wallet'),
    store: {
      ...store,
      commit(writes) {
        for (const { document } of writes) if (clock.random() < 0.05) largest = Math.max(largest, bytesOf(document));
        return store.commit(writes);
      },
    },
    clock,
    log: silentLog,
    queues: partitionQueues(routeTable, 'wallet'),
    limits: limitsFor(TTL_MS),
  });
  await clock.during(engine.start());
  /** By type of the answer and, where there is one, its reason. */
  const answers = new Map<string, number>();
  const asker = broker.connect('saga');
  for (const queue of partitionQueues(routeTable, 'saga'))
    await clock.during(
      asker.consume(queue, {
        prefetch: 1000,
        onDelivery(delivery, consumer) {
          const { reason = '' } = JSON.parse(delivery.packet.content.toString()) as { reason?: string };
          const answer = `${delivery.packet.type} ${reason}`.trim();
          answers.set(answer, (answers.get(answer) ?? 0) + 1);
          consumer.ack([delivery]);
        },
        onChannelLost: () => {},
      }),
    );

  const expected = new Map<string, number>();
  function tell<Body>(
    type: CommandType<Body>,
    body: Body,
    id: string,
    expectedAnswer: string,
    more: object = {},
  ): void {
    const asked = { correlationId: id, replyTo: { route: 'saga', key: id } };
    broker.put(hash('wallet'), encode({ id, type: type.name, key: CUSTOMER, body, ...asked, ...more }));
    expected.set(expectedAnswer, (expected.get(expectedAnswer) ?? 0) + 1);
  }

  const started = clock.now();
  const orderOf = (n: number) => {
    const orderId = `01963f00-0000-7000-8000-${String(n).padStart(12, '0')}`;
    const deadline = started + Math.floor(n / PER_S) * 1000 + STEP_DEADLINE_MS;
    return { ofHold: { customerId: CUSTOMER, orderId, holdId: contract.holdIdOf(orderId) }, orderId, deadline };
  };
  const hold = (n: number, answer = 'wallet.held'): void => {
    const { ofHold, orderId, deadline } = orderOf(n);
    tell(contract.hold, { ...ofHold, amount: ONE }, `${orderId}:hold-funds:do`, answer, { deadline });
  };
  const undo = (n: number, type: typeof contract.release, answer: string): void => {
    const { ofHold, orderId, deadline } = orderOf(n);
    const of = `${orderId}:do`;
    tell(type, { ...ofHold, of }, `${orderId}:${type.name}:undo`, answer, { rememberUntil: deadline });
  };
  const capture = (n: number): void => {
    const { ofHold, orderId } = orderOf(n);
    const deadline = clock.now() + STEP_DEADLINE_MS;
    tell(contract.capture, ofHold, `${orderId}:capture-funds:do`, 'wallet.captured', { deadline });
  };
  /** What happens to an order so many seconds after it was placed. */
  const acts: readonly { readonly after: number; readonly to: readonly string[]; act(n: number): void }[] = [
    { after: 0, to: ['captured', 'released', 'refunded'], act: hold },
    { after: 0, to: ['late'], act: (n) => undo(n, contract.release, 'wallet.released') },
    { after: 3, to: ['captured', 'refunded'], act: capture },
    { after: 3, to: ['released'], act: (n) => undo(n, contract.release, 'wallet.released') },
    { after: 40, to: ['refunded'], act: (n) => undo(n, contract.refundToWallet, 'wallet.refunded') },
    { after: 55, to: ['late'], act: (n) => hold(n, 'wallet.refused already_undone') },
    ...AGAIN_S.map((after) => ({
      after,
      to: ['captured', 'released', 'refunded'],
      act: (n: number) => (n % 15 === 0 ? hold(n) : undefined),
    })),
  ];

  const amount = { ...ONE, amount: FUNDS };
  tell(contract.topUp, { customerId: CUSTOMER, topUpId: 't', amount }, 't', 'wallet.topped-up');
  await clock.settle();
  for (let second = 0; second < SECONDS + 100; second += 1) {
    for (const { after, to, act } of acts) {
      const first = (second - after) * PER_S;
      if (first < 0 || first >= SECONDS * PER_S) continue;
      for (let n = first; n < first + PER_S; n += 1) if (to.includes(FATES[n % FATES.length]!)) act(n);
    }
    await clock.advance(1000);
  }
  await clock.advance(10_000);

  t.log({
    orders: SECONDS * PER_S,
    largest,
    remembered: store.remembered.get(CUSTOMER)?.size,
    journal: store.journal.size,
  });
  t.true(largest < 64 * 1024, `${largest} bytes`);
  t.deepEqual(Object.fromEntries([...answers].toSorted()), Object.fromEntries([...expected].toSorted()));
  const count = (fate: string): number => (FATES.filter((one) => one === fate).length * PER_S * SECONDS) / FATES.length;
  const { available, held, captured, entries } = store.documents.get(CUSTOMER)!.state!;
  t.deepEqual(
    { available, held, captured },
    { available: FUNDS - count('captured'), held: 0, captured: count('captured') },
  );
  t.is(entries, 1 + 2 * count('captured') + 2 * count('released') + 3 * count('refunded'));
  const written = [...store.journal.values()].filter((record) => 'seq' in record) as unknown as Entry[];
  t.is(written.length, entries);
  t.is(new Set(written.map(({ seq }) => seq)).size, entries);
});
