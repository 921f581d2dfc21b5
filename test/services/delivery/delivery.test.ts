import test from 'ava';
import fc from 'fast-check';
import { createWarehouseDeliveries } from '#local/stand-ins/warehouse/deliveries.ts';
import * as contract from '#services/delivery/contract.ts';
import { deliveryEntity, type DeliveryState } from '#services/delivery/delivery.ts';
import { shown } from '#services/delivery/view.ts';
import type { Warehouse } from '#services/delivery/warehouse.ts';
import { runEntity, type Told } from '#test/support/run-entity.ts';
import { warehouseOf } from '#test/support/warehouse.ts';

const orderId = 'o1';
const details = { orderId, customerId: 'alice', items: [{ sku: 'book', quantity: 2 }] };
const undo = { orderId, of: 'o1:arrange-delivery:do', reason: 'timed_out' };

/** A delivery on the simulated warehouse's book; `lose` makes the next call throw, before or after its effect. */
function delivery(items: readonly { sku: string; quantity: number }[] = details.items) {
  const book = createWarehouseDeliveries();
  const real = warehouseOf(book);
  const calls: string[] = [];
  let lost: 'before' | 'after' | undefined;
  const called = async <Outcome>(call: string, effect: () => Promise<Outcome>): Promise<Outcome> => {
    calls.push(call);
    const when = lost;
    lost = undefined;
    if (when === 'before') throw new Error('503');
    const outcome = await effect();
    if (when === 'after') throw new Error('timed out');
    return outcome;
  };
  const warehouse: Warehouse = {
    dispatch: (call) => called(`dispatch ${call.idempotencyKey}`, () => real.dispatch(call)),
    cancel: (call) => called(`cancel ${call.idempotencyKey}`, () => real.cancel(call)),
  };
  const run = runEntity<DeliveryState>(deliveryEntity({ warehouse }));
  return {
    run,
    calls,
    atWarehouse: () => book.find(contract.deliveryIdOf(orderId))?.status ?? 'none',
    lose: (when: 'before' | 'after') => (lost = when),
    dispatch: (told: Told = {}) => run.tell(contract.dispatch, { ...details, items }, told),
    dispatchOther: (told: Told = {}) => run.tell(contract.dispatch, { ...details, customerId: 'mallory' }, told),
    cancel: (told: Told = {}) => run.tell(contract.cancel, undo, told),
  };
}

test('a delivery is dispatched once, whatever is asked again', async (t) => {
  const one = delivery();
  const dispatched = { type: 'delivery.dispatched', body: { orderId, deliveryId: 'dlv-o1', dispatchedAt: 1_000_000 } };
  t.deepEqual(await one.dispatch({ id: 'o1:arrange-delivery:do' }), dispatched);
  one.run.clock.now += 5000;
  t.deepEqual(await one.dispatch(), dispatched);
  t.deepEqual(one.calls, ['dispatch o1:arrange-delivery:do']);
  t.like(await one.dispatchOther(), { type: 'delivery.refused', body: { reason: 'conflicting_delivery' } });
});

test('a refusal of the warehouse is the answer, also the next time, without another call', async (t) => {
  const one = delivery([{ sku: 'no-delivery', quantity: 1 }]);
  const refused = { type: 'delivery.refused', body: { orderId, reason: 'not_deliverable' } };
  t.deepEqual(await one.dispatch(), refused);
  t.deepEqual(await one.dispatch(), refused);
  t.is(one.calls.length, 1);
  t.like(shown(one.run.state!), { status: 'refused', reason: 'not_deliverable', id: 'dlv-o1' });
});

test('a call that fails leaves nothing behind and is made again under the same key', async (t) => {
  const one = delivery();
  for (const when of ['before', 'after'] as const) {
    one.lose(when);
    await t.throwsAsync(one.dispatch({ id: 'k' }));
    t.is(one.run.state, undefined);
  }
  t.deepEqual(one.calls, ['dispatch k', 'dispatch k']);
});

test('a cancellation after the dispatch takes it back, once', async (t) => {
  const one = delivery();
  await one.dispatch();
  t.deepEqual(await one.cancel(), { type: 'delivery.cancelled', body: { orderId } });
  t.is(one.atWarehouse(), 'cancelled');
  await one.cancel();
  t.is(one.calls.filter((call) => call.startsWith('cancel')).length, 1);
  t.like(shown(one.run.state!), {
    status: 'cancelled',
    reason: 'timed_out',
    dispatchedAt: '1970-01-01T00:16:40.000Z',
  });
});

test('a cancellation before the dispatch refuses it when it comes, here and at the warehouse', async (t) => {
  const one = delivery();
  t.is((await one.cancel()).type, 'delivery.cancelled');
  t.is(shown(one.run.state!), undefined);
  t.like(await one.dispatch(), { type: 'delivery.refused', body: { reason: 'already_cancelled' } });
  t.is(one.atWarehouse(), 'cancelled');
  t.false(one.calls.some((call) => call.startsWith('dispatch')));
  t.like(shown(one.run.state!), { status: 'cancelled', customerId: 'alice' });
});

test('a cancellation without its dispatch, whose call had its effect unheard, reaches the warehouse', async (t) => {
  const one = delivery();
  one.lose('after');
  await t.throwsAsync(one.dispatch());
  t.is(one.atWarehouse(), 'arranged');
  await one.cancel();
  t.is(one.atWarehouse(), 'cancelled');
});

test('a cancellation that the warehouse does not take is not answered', async (t) => {
  const one = delivery();
  await one.dispatch();
  one.lose('before');
  await t.throwsAsync(one.cancel());
  t.is(one.run.state?.status, 'dispatched');
});

test('any order and number of dispatches and cancellations, lost calls among them: cancelled means that nothing is delivered', async (t) => {
  const event = fc.record({
    what: fc.constantFrom('dispatch' as const, 'cancel' as const),
    lost: fc.constantFrom(undefined, 'before' as const, 'after' as const),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 8 }), async (events) => {
      const one = delivery();
      for (const { what, lost } of events) {
        if (lost) one.lose(lost);
        await one[what]({ id: `o1:${what}` }).catch(() => {}); // the engine would run it again
      }
      one.run.forget();
      await one.cancel().catch(() => one.cancel());
      await one.dispatch();
      t.is(one.run.state?.status, 'cancelled');
      t.is(one.atWarehouse(), 'cancelled');
    }),
  );
});
