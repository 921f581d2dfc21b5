import test from 'ava';
import { createDoor } from './door.ts';
import { shelve } from './shelves.ts';
import { startTown } from './town.ts';
import { goods } from '#test/support/goods.ts';
import { orderBody } from '#test/support/place.ts';
import type { OrderView } from '#services/order/view.ts';

test('who stands at the door of a town tops up, orders, and reads what became of it', async (t) => {
  const town = await startTown();
  const { answered } = createDoor(town);
  shelve(town.broker, goods);
  await town.clock.advance(1000);
  const paid = await answered('POST', '/v1/wallets/alice/top-ups', { body: { amount: 5000, currency: 'EUR' } });
  t.is(paid.status, 201, JSON.stringify(paid.body));
  const asked = { as: 'alice', key: 'k', body: orderBody({ customerId: 'alice' }) };
  const accepted = await answered<OrderView>('POST', '/v1/orders', asked);
  t.is(accepted.status, 202, JSON.stringify(accepted.body));
  await town.clock.advance(2000);
  const order = await answered<OrderView>('GET', `/v1/orders/${accepted.body.id}`, { as: 'alice' });
  t.is(order.body.status, 'completed');
  t.is((await answered('GET', `/v1/orders/${accepted.body.id}`, { as: 'bob' })).status, 404);
  t.deepEqual((await answered<OrderView>('POST', '/v1/orders', asked)).body, accepted.body);
  t.is((await answered('POST', '/v1/orders', { body: { ...asked.body, total: 1 } })).status, 400);
});
