import test from 'ava';
import { z } from 'zod';
import { recordsIn } from '#test/support/records.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';
import { details } from '#test/services/saga/cases.ts';
import { routeTable } from '#services/services.ts';
import * as contract from '#services/wallet/contract.ts';
import { walletEntity, type WalletState } from '#services/wallet/wallet.ts';
import { encode } from '#shared/bus/envelope.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { dead, hash, partitionQueues, topologyOf } from '#shared/bus/topology/topology.ts';
import { createEngine } from '#shared/entity/engine.ts';
import type { Entity } from '#shared/entity/entity.ts';
import { limitsFor } from '#shared/entity/options.ts';
import { createMemoryStore } from '#shared/entity/stores/memory-store.ts';
import { silentLog } from '#shared/log.ts';
import type { MessageType } from '#shared/message.ts';

/** The same entity with the contracts of the version after this one: each message has one more, optional field. */
function next<State>(entity: Entity<State>): Entity<State> {
  const grown = (type: MessageType): MessageType => ({
    ...type,
    body: (type.body as z.ZodObject).extend({ note: z.string().max(100).optional() }),
  });
  return { ...entity, handlers: entity.handlers.map((handler) => ({ ...handler, type: grown(handler.type) })) };
}

test('wallets of today and of the next version, side by side, take the messages of both; undos are no dead letters', async (t) => {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  broker.apply(topologyOf(routeTable, { ttlMs: 10_000, delayMs: 2000 }, 'test'));
  const store = createMemoryStore<WalletState>();
  const queues = partitionQueues(routeTable, 'wallet');
  const entity = walletEntity({ findRecords: recordsIn(store.journal) });
  for (const [version, own] of [
    [entity, queues.filter((_, index) => index % 2 === 0)],
    [next(entity), queues.filter((_, index) => index % 2 === 1)],
  ] as const) {
    const engine = createEngine<WalletState>({
      entity: version,
      bus: broker.connect('wallet'),
      store,
      clock,
      log: silentLog,
      queues: own,
      limits: limitsFor(10_000),
    });
    await clock.during(engine.start());
  }
  const customers = Array.from({ length: 40 }, (_, index) => `customer-${index}`);
  const { orderId, total } = details;
  for (const customerId of customers)
    for (const added of [{}, { note: 'of the next version' }]) {
      const ofHold = {
        customerId,
        orderId: `${orderId}${'note' in added ? '-n' : ''}`,
        holdId: `h-${'note' in added}`,
      };
      const put = (type: MessageType, body: object) => {
        const id = `${customerId}:${type.name}:${'note' in added}`;
        broker.put(
          hash('wallet'),
          encode({ id, type: type.name, key: customerId, body: { ...body, ...added }, correlationId: orderId }),
        );
      };
      put(contract.topUp, { customerId, topUpId: ofHold.holdId, amount: total });
      put(contract.hold, { ...ofHold, amount: total });
      put(contract.release, { ...ofHold, of: 'x' });
    }
  await clock.advance(5000);
  t.deepEqual(broker.queue(dead('wallet')).ready, []);
  for (const customerId of customers) {
    const state = store.documents.get(customerId)?.state;
    t.is(state?.available, 2 * total.amount, customerId);
    t.is(state?.entries, 6);
  }
});
