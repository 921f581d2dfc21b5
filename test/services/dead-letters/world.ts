import { recordsIn } from '#test/support/records.ts';
import type { ExecutionContext } from 'ava';
import { mongoWorld } from '#test/support/mongo-world.ts';
import { until } from '#test/support/until.ts';
import { noteEndedOrders } from '#services/dead-letters/ended-orders.ts';
import { startDraining } from '#services/dead-letters/draining.ts';
import { deadLettersCollection, type StoredLetter } from '#services/dead-letters/model.ts';
import { startReplaying } from '#services/dead-letters/replaying.ts';
import { answerRequests } from '#services/dead-letters/dead-letter-requests.ts';
import { createLetterStore, type LetterStore } from '#services/dead-letters/store.ts';
import { DEAD_LETTERS_REPLY, DEAD_LETTERS_REQUEST, type DeadLettersReply } from '#services/dead-letters/contract.ts';
import { routeTable } from '#services/services.ts';
import { topUp } from '#services/wallet/contract.ts';
import { walletEntity, type WalletState } from '#services/wallet/wallet.ts';
import type { Bus, Consumer, Packet } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { createMemoryBroker, type MemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { CONTROL, dead, partitionQueues, topologyOf } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { createEngine } from '#shared/entity/engine.ts';
import { limitsFor } from '#shared/entity/options.ts';
import { createMemoryStore } from '#shared/entity/stores/memory-store.ts';
import { silentLog } from '#shared/log.ts';

/** What a running copy does, one after another; a copy can be told to die before or after any of them. */
export type Call = 'record' | 'ack' | 'mark' | 'publish' | 'replayed';
export interface Death {
  readonly call: Call;
  /** `before`: it is not done; `after`: it is, and nobody hears of it. */
  readonly when: 'before' | 'after';
  /** At which call of that kind, from 1. */
  readonly nth: number;
}

export interface Copy {
  /** Resolves when it died as it was told to. */
  readonly died: Promise<void>;
  /** Publishes of dead letters that the broker confirmed to this copy. */
  readonly published: { readonly exchange: string; readonly packet: Packet; readonly at: number }[];
  stop(): Promise<void>;
}

const TTL_MS = 10_000;
export const AMOUNT = 500;

/** The service `dead-letters` in as many copies as wanted, a wallet behind the in-memory broker, and a database. */
export async function deadLettersWorld(t: ExecutionContext) {
  const { db } = await mongoWorld(t);
  const broker = createMemoryBroker({ clock: systemClock });
  broker.apply(topologyOf(routeTable, { ttlMs: TTL_MS, delayMs: 100 }, 'test'));
  const store = createLetterStore(db);
  await store.prepare();
  const gateway = broker.connect('gateway');
  const copies: Copy[] = [];
  const ended = new Map<string, number>();
  t.teardown(async () => {
    await Promise.all(copies.map((copy) => copy.stop()));
    await gateway.close();
    broker.close();
  });

  const letters = (): Promise<StoredLetter[]> =>
    db.getClient().db(db.name).collection<StoredLetter>(deadLettersCollection).find().sort({ messageId: 1 }).toArray();

  const world = {
    db,
    broker,
    store,
    gateway,
    letters,
    /** Orders whose sagas have ended, and when. */
    ended,
    /** Starts a copy of the service; `death`: when it dies. */
    start(death?: Death, wrapped: Partial<LetterStore> = {}): Copy {
      const copy = startCopy(broker, { ...store, ...wrapped }, `dead-letters-${copies.length + 1}`, ended, death);
      copies.push(copy);
      return copy;
    },
    /** As a gateway does; resolves with the first answer. */
    async ask(question: object): Promise<DeadLettersReply> {
      const id = systemClock.id();
      const answer = Promise.withResolvers<DeadLettersReply>();
      const { close } = await gateway.subscribe(CONTROL, [DEAD_LETTERS_REPLY], ({ content }) => {
        const reply = JSON.parse(content.toString()) as DeadLettersReply;
        if (reply.id === id) answer.resolve(reply);
      });
      await world.tell({ id, by: 'root', ...question });
      const reply = await answer.promise;
      await close();
      return reply;
    },
    /** Asks without waiting for an answer. */
    async tell(question: object): Promise<void> {
      const content = Buffer.from(JSON.stringify({ id: systemClock.id(), by: 'root', ...question }));
      await gateway.publish(CONTROL, { content, headers: {} }, DEAD_LETTERS_REQUEST);
    },
    /** Buries top-ups of one customer each, as an engine does. */
    bury(count: number, more: Partial<Packet> = {}): void {
      for (let index = 1; index <= count; index += 1) broker.put(dead('wallet'), { ...buried(index), ...more });
    },
    waiting: (route = 'wallet'): number => {
      const { ready, unacked } = broker.queue(dead(route));
      return ready.length + unacked;
    },
    states: async () => (await letters()).map(({ state }) => state),
    /** Resolves with the letters when their states are all this one. */
    allAre: (state: StoredLetter['state'], count: number) =>
      until(
        `${count} are ${state}`,
        letters,
        (all) => all.length === count && all.every((one) => one.state === state),
        {
          everyMs: 10,
        },
      ),
    /** The wallet works from now on; gives its balances. */
    async openWallet() {
      const wallets = createMemoryStore<WalletState>();
      const bus = broker.connect('wallet');
      const engine = createEngine<WalletState>({
        entity: walletEntity({
          findRecords: recordsIn(wallets.journal),
        }),
        bus,
        store: wallets,
        clock: systemClock,
        log: silentLog,
        queues: partitionQueues(routeTable, 'wallet'),
        limits: limitsFor(TTL_MS),
      });
      await engine.start();
      t.teardown(async () => {
        await engine.drain(0);
        await bus.close();
      });
      return {
        balance: (index: number): number => wallets.documents.get(customerOf(index))?.state?.available ?? 0,
        /** Nothing for it waits, and nothing is being worked on. */
        atRest: () =>
          until(
            'the wallet is at rest',
            () =>
              partitionQueues(routeTable, 'wallet').reduce((sum, queue) => {
                const { ready, unacked } = broker.queue(queue);
                return sum + ready.length + unacked;
              }, 0),
            (left) => left === 0,
            { everyMs: 10 },
          ),
      };
    },
  };
  return world;
}

export const customerOf = (index: number): string => `customer-${index}`;

/** A top-up that was given up, with the notes that an engine makes. */
export function buried(index: number, notes: Readonly<Record<string, string | number>> = {}): Packet {
  const customerId = customerOf(index);
  const packet = encode({
    id: `top-up-${index}`,
    type: topUp.name,
    key: customerId,
    correlationId: `top-up-${index}`,
    body: { customerId, topUpId: `top-up-${index}`, amount: { amount: AMOUNT, currency: 'EUR' } },
  });
  const noted = {
    'dead-reason': `the wallet of ${customerId} broke (after 5 tries)`,
    'dead-route': 'wallet',
    'dead-attempts': 5,
    'dead-at': '2026-01-01T00:00:00.000Z',
    ...notes,
  };
  return { ...packet, headers: { ...packet.headers, ...noted } };
}

function startCopy(
  broker: MemoryBroker,
  store: LetterStore,
  name: string,
  ended: ReadonlyMap<string, number>,
  death?: Death,
): Copy {
  const bus = broker.connect(name);
  const died = Promise.withResolvers<void>();
  const published: { exchange: string; packet: Packet; at: number }[] = [];
  const counts = new Map<Call, number>();
  let isDead = false;
  /** What a dead copy waits for; rejects when the world ends, so that nothing of the copy is left behind. */
  const never = Promise.withResolvers<never>();
  never.promise.catch(() => {});

  /** Runs a call, unless the copy is dead or dies now: then it never comes back. */
  async function living<Result>(call: Call | undefined, run: () => Result | Promise<Result>): Promise<Result> {
    const nth = call === undefined ? 0 : (counts.get(call) ?? 0) + 1;
    if (call !== undefined) counts.set(call, nth);
    const dies = death?.call === call && death?.nth === nth;
    if (dies && death.when === 'before') die();
    if (isDead) return never.promise;
    const result = await run();
    if (dies) die();
    return isDead ? never.promise : result;
  }

  /** As after `kill -9`: nothing that it was about to do is done, and the broker takes back what it had. */
  function die(): void {
    isDead = true;
    broker.dropConnection(name, { stayDown: true });
    died.resolve();
  }

  const mortalStore: LetterStore = {
    ...store,
    record: (burial) => living('record', () => store.record(burial)),
    mark: (request) => living('mark', () => store.mark(request)),
    replayed: (letter, at) => living('replayed', () => store.replayed(letter, at)),
    next: (except) => living(undefined, () => store.next(except)),
    takeTurn: (holder, now, ms) => living(undefined, () => store.takeTurn(holder, now, ms)),
    leaveTurn: (holder) => (isDead ? Promise.resolve() : store.leaveTurn(holder)),
  };
  const mortal = (consumer: Consumer): Consumer => ({
    ...consumer,
    get active() {
      return consumer.active;
    },
    // As the port: nobody waits for an ack.
    ack: (deliveries) =>
      void living('ack', () => consumer.ack(deliveries)).catch((error: unknown) => {
        if (!isDead) throw error;
      }),
  });
  const mortalBus: Bus = {
    ...bus,
    consume: async (queue, options) =>
      mortal(
        await bus.consume(queue, {
          ...options,
          onDelivery: (delivery, consumer) => options.onDelivery(delivery, mortal(consumer)),
        }),
      ),
    publish: (exchange, packet, key) =>
      exchange === CONTROL
        ? living(undefined, () => bus.publish(exchange, packet, key))
        : living('publish', async () => {
            // A confirm may take long: what counts is when it was sent.
            const at = performance.now();
            await bus.publish(exchange, packet, key);
            published.push({ exchange, packet, at });
          }),
  };

  const parts = { bus: mortalBus, store: mortalStore, clock: systemClock, log: silentLog };
  const draining = startDraining({ ...parts, routes: routeTable.routes });
  // Whoever dies is soon followed by another one; whoever lives keeps its turn, also where a busy machine makes it wait.
  const turnMs = death === undefined ? 10_000 : 200;
  const replaying = startReplaying({ ...parts, routes: routeTable.routes, holder: name, turnMs });
  const answering = answerRequests({
    ...parts,
    onMarked: replaying.look,
    noteEnded: (select) => noteEndedOrders({ store: mortalStore, ended: async () => ended }, select),
  });
  return {
    died: died.promise,
    published,
    async stop() {
      if (isDead) {
        const ending = [draining.stop(), replaying.stop()];
        never.reject(new Error(`${name} is dead`));
        await Promise.allSettled(ending);
        return bus.close();
      }
      await answering;
      await draining.stop();
      await replaying.stop();
      await bus.close();
    },
  };
}
