/** Orders that are tried again, on the engines of all services: short stock that is refilled or not, payments that are declined. */
import test from 'ava';
import { details, variedItems } from './cases.ts';
import { placeOrder4 } from '#services/saga/place-order-versions.ts';
import { cancel } from '#services/saga/contract.ts';
import { adjust } from '#services/stock/contract.ts';
import { createOutside, RETRYING } from '#test/town/outside.ts';
import { createRoad } from '#test/town/road.ts';

const order = { ...details, items: variedItems };
const QUANTITY = 2;

/** `declines`: how many authorizations the provider declines first. */
async function createShop(
  stockBetween: 'hold' | 'release',
  stock: number,
  declines = 0,
  delayMs: number = RETRYING.delayMs,
) {
  const { provider } = createOutside(() => 0);
  let asked = 0;
  const declining: typeof provider = {
    ...provider,
    authorize: async (request) => {
      asked += 1;
      return asked <= declines ? { approved: false, reason: 'card_declined' } : provider.authorize(request);
    },
  };
  const roads = [placeOrder4({ ...RETRYING, stockBetween, delayMs })];
  const road = await createRoad({ roads, order, stock, ports: { provider: declining } });
  const levels = () => road.stock.map(({ onHand, reserved, available }) => ({ onHand, reserved, available }));
  const untouched = { onHand: stock, reserved: 0, available: stock };
  const sold = { onHand: stock - QUANTITY, reserved: 0, available: stock - QUANTITY };
  const movements = (kind: string) =>
    [...road.homes.get('stock')!.store.journal.values()].filter(
      (record) => record['kind'] === kind && record['orderId'] === order.orderId,
    ).length;
  return {
    road,
    levels,
    movements,
    untouched: [untouched, untouched],
    sold: [sold, sold],
    asked: () => asked,
  };
}

for (const between of ['hold', 'release'] as const) {
  for (const declines of [0, 1, 3, 4]) {
    const completes = declines < RETRYING.tries;
    test(`${between}, declined ${declines} times: ${completes ? 'sold once, paid once' : 'everything is as before'}, one mail`, async (t) => {
      const shop = await createShop(between, 10, declines);
      await shop.road.start();
      await shop.road.ended();
      t.is(shop.road.order?.status, completes ? 'completed' : 'failed');
      t.deepEqual(shop.levels(), completes ? shop.sold : shop.untouched);
      const tries = Math.min(declines + 1, RETRYING.tries);
      t.is(shop.asked(), tries);
      t.is(shop.movements('reserved'), 2 * (between === 'hold' ? 1 : tries));
      t.is(shop.movements('reserved'), shop.movements('released') + shop.movements('sold'));
      t.is(shop.road.mails.length, 1);
      t.is(shop.road.wallet?.held, 0);
      const entries = shop.road.entries().map(({ kind }) => kind);
      t.is(entries.filter((kind) => kind === 'capture').length, completes ? 1 : 0);
      if (!completes) t.like(shop.road.order, { failure: { reason: 'card_declined', step: 'authorize-payment' } });
      if (completes) t.like(shop.road.order, { payment: { status: 'settled' } });
    });
  }

  test(`${between}, short of stock: refused at every try, nothing was ever moved`, async (t) => {
    const shop = await createShop(between, QUANTITY - 1);
    await shop.road.start();
    await shop.road.ended();
    t.like(shop.road.order, { status: 'failed', failure: { reason: 'insufficient_stock', step: 'reserve-stock' } });
    t.deepEqual(shop.levels(), shop.untouched);
    t.is(shop.movements('reserved'), 0);
    t.is(shop.movements('released'), 0, 'what was never reserved is never released');
    t.is(shop.asked(), 0);
    t.is(shop.road.mails.length, 1);
  });

  test(`${between}, short of stock at first and refilled before the next try: completed`, async (t) => {
    const shop = await createShop(between, QUANTITY - 1, 0, 60_000);
    await shop.road.start();
    await shop.road.clock.until(() => shop.road.hasBegun && shop.road.timeline.waitingFor?.nextTryAt !== undefined);
    t.deepEqual(shop.levels(), shop.untouched, 'nothing of it is reserved meanwhile');
    for (const sku of ['book', 'tea'])
      shop.road.put(adjust, { sku, adjustmentId: 'refill', delta: 5, reason: 'refilled' }, `refill:${sku}`);
    await shop.road.ended();
    t.is(shop.road.order?.status, 'completed');
    t.true(shop.road.stock.every(({ onHand, reserved }) => onHand === QUANTITY - 1 + 5 - QUANTITY && reserved === 0));
  });

  test(`${between}, cancelled while a declined payment waits for its next try: at once, and everything is as before`, async (t) => {
    const shop = await createShop(between, 10, 1, 3_000_000);
    await shop.road.start();
    await shop.road.clock.until(
      () => shop.road.hasBegun && shop.road.timeline.waitingFor?.step === 'authorize-payment',
    );
    await shop.road.clock.until(() => shop.road.timeline.waitingFor?.nextTryAt !== undefined);
    const from = shop.road.clock.now();
    shop.road.put(cancel, { orderId: order.orderId }, 'cancel-1');
    await shop.road.ended();
    t.true(shop.road.clock.now() - from < 60_000);
    t.is(shop.road.order?.status, 'cancelled');
    t.deepEqual(shop.levels(), shop.untouched);
  });
}
