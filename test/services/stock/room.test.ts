import test from 'ava';
import { calculateObjectSize } from 'bson';
import * as fields from '#services/fields.ts';
import * as contract from '#services/stock/contract.ts';
import { isMovement } from '#services/stock/movements.ts';
import { stockEntity, type StockState } from '#services/stock/stock.ts';
import { runEntity } from '#test/support/run-entity.ts';

const sku = 's'.repeat(fields.MAX_SKU_BYTES);
/** Less than half of what a document may have, so that there is room for ids, answers and movements. */
const MAX_STATE_BYTES = 28_000;
const expiresAt = Number.MAX_SAFE_INTEGER;

function busyItem() {
  const run = runEntity<StockState>(stockEntity({}));
  const ofOrder = (n: number) => ({ sku, orderId: `${n}`.padStart(fields.MAX_ID_BYTES, 'o') });
  const reserveId = (n: number) => `${ofOrder(n).orderId}:reserve-stock/100:do`;
  return {
    run,
    ofOrder,
    size: () => calculateObjectSize(run.state!),
    reserve: (n: number) => run.tell(contract.reserve, { ...ofOrder(n), quantity: 2, expiresAt }, { id: reserveId(n) }),
    release: (n: number) => run.tell(contract.release, { ...ofOrder(n), of: reserveId(n) }),
    commit: (n: number) => run.tell(contract.commit, ofOrder(n)),
    giveBack: (n: number) => run.tell(contract.returnSold, { ...ofOrder(n), of: 'c' }),
  };
}

test('ten thousand open reservations at the longest ids: the item stays small and knows each of them', async (t) => {
  const { run, reserve, commit, release, giveBack, size } = busyItem();
  await run.tell(contract.open, { sku, quantity: 20_000 });
  let largest = 0;
  for (let n = 0; n < 10_000; n += 1) {
    t.is((await reserve(n)).type, contract.reserved.name);
    if (n % 100 === 0) largest = Math.max(largest, size());
  }
  t.is((await reserve(10_000)).body['reason'], 'insufficient_stock');
  t.is(run.state!.reserved, 20_000);
  t.like((await run.tell(contract.close, { sku })).body, { reserved: 20_000, openOrders: 10_000 });

  run.forget();
  t.is((await reserve(17)).type, contract.reserved.name, 'a copy reserves nothing more');
  t.is(run.state!.reserved, 20_000);
  for (let n = 0; n < 10_000; n += 1) {
    if (n % 3 === 0) await release(n);
    else t.is((await commit(n)).type, contract.committed.name);
    if (n % 100 === 0) largest = Math.max(largest, size());
  }
  t.true(largest < MAX_STATE_BYTES, `${largest} bytes`);
  t.like(run.state, { onHand: 20_000 - 2 * 6666, reserved: 0, openElsewhere: undefined });

  run.forget();
  t.is((await reserve(0)).body['reason'], 'already_undone');
  t.is((await commit(1)).type, contract.committed.name);
  await giveBack(2);
  await giveBack(2);
  await release(4);
  t.is(run.state!.onHand, 20_000 - 2 * 6665);
  t.is([...run.journal.values()].filter(isMovement).length, run.state!.movements);
  t.is((await run.tell(contract.close, { sku })).type, contract.closed.name);
});

test('undos of what never was, by the thousand and for ever: the item stays small and refuses each late do', async (t) => {
  const { run, reserve, commit, release, giveBack, size } = busyItem();
  await run.tell(contract.open, { sku, quantity: 1000 });
  for (let n = 0; n < 4000; n += 1) await (n % 2 ? release(n) : giveBack(n));
  t.true(size() < MAX_STATE_BYTES, `${size()} bytes`);
  for (const n of [1, 3, 1999, 3999]) t.is((await reserve(n)).body['reason'], 'already_undone');
  for (const n of [0, 2, 1998, 3998]) {
    t.is((await reserve(n)).type, contract.reserved.name);
    t.is((await commit(n)).body['reason'], 'already_undone');
  }
});

test('adjustments under ever new ids: the item stays small and makes none of them twice', async (t) => {
  const { run, size } = busyItem();
  await run.tell(contract.open, { sku, quantity: 0 });
  const adjust = (n: number, delta = 1) => {
    const adjustmentId = `${n}`.padStart(fields.MAX_ID_BYTES, 'a');
    return run.tell(contract.adjust, { sku, adjustmentId, delta, reason: 'counted' });
  };
  for (let n = 0; n < 2000; n += 1) await adjust(n);
  for (const n of [0, 1, 1000, 1999]) t.is((await adjust(n)).type, contract.adjusted.name);
  t.is((await adjust(0, 2)).body['reason'], 'conflicting_adjustment');
  t.true(size() < MAX_STATE_BYTES, `${size()} bytes`);
  t.is(run.state!.onHand, 2000);
});

test('a claim whose undo cannot be needed any more is forgotten, and one that came back from the journal is not', async (t) => {
  const run = runEntity<StockState>(stockEntity({ room: { openBytes: 200, closedBytes: 200 }, skewMs: 0 }), { now: 0 });
  await run.tell(contract.open, { sku, quantity: 10 });
  const told = { rememberUntil: 100 };
  const reserve = (orderId: string, id: string) =>
    run.tell(contract.reserve, { sku, orderId, quantity: 1, expiresAt }, { id, deadline: 100 });
  await reserve('a', 'a:do');
  await run.tell(contract.release, { sku, orderId: 'a', of: 'a:do' }, told);
  await reserve('b', 'b:do');
  await reserve('c', 'c:do');
  await run.tell(contract.release, { sku, orderId: 'b', of: 'b:do' }, told);
  run.clock.now = 200;
  await run.tell(contract.adjust, { sku, adjustmentId: 'x', delta: 1, reason: 'counted' });
  const known = run.state!.claims.map(({ orderId }) => orderId);
  t.false(known.includes('a'));
  t.is((await run.tell(contract.commit, { sku, orderId: 'b' })).type, contract.commitRefused.name);
  t.is(run.state!.reserved, 1, 'only c has something');
});
