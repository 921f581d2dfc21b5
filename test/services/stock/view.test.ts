import test from 'ava';
import { auditedShelves, auditedTakings } from '#services/stock/audited.ts';
import * as contract from '#services/stock/contract.ts';
import { movementIndexes, movementsCollection, stockCollection } from '#services/stock/model.ts';
import { isMovement } from '#services/stock/movements.ts';
import { stockEntity, type StockState } from '#services/stock/stock.ts';
import { shelfTally } from '#services/stock/tally.ts';
import { stockView } from '#services/stock/view.ts';
import { runEntity } from '#test/support/run-entity.ts';
import { freshDatabase, storeState } from '#test/support/stored.ts';

const options = { collection: stockCollection, journal: movementsCollection, journalIndexes: movementIndexes };
const expiresAt = 9_000_000;

/** An item with little room: `orders` reserve one each, and some of them end. */
async function busyItem(sku: string, orders: number) {
  const run = runEntity<StockState>(stockEntity({ room: { openBytes: 700, closedBytes: 300 } }));
  await run.tell(contract.open, { sku, quantity: 100 });
  for (let n = 0; n < orders; n += 1) {
    const body = { sku, orderId: `o${String(n).padStart(3, '0')}`, quantity: 1, expiresAt };
    await run.tell(contract.reserve, body, { id: `${body.orderId}:do` });
  }
  return run;
}

test('open reservations are listed by order, each once, wherever they are; those that ended are not', async (t) => {
  const db = await freshDatabase(t);
  const run = await busyItem('tea', 40);
  for (const n of [3, 17, 39])
    await run.tell(contract.commit, { sku: 'tea', orderId: `o${String(n).padStart(3, '0')}` });
  const release = { sku: 'tea', orderId: 'o005', of: 'o005:do' };
  await run.tell(contract.release, release);
  const records = [...run.journal.values()];
  await storeState(db, options, 'tea', run.state, { written: records.slice(0, -4), riding: records.slice(-8) });
  await storeState(db, options, 'mug', (await busyItem('mug', 12)).state);
  const view = stockView(db);

  const listed: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await view.reservations('tea', { limit: 7, cursor });
    t.true(page.items.length <= 7);
    listed.push(...page.items.map(({ orderId }) => orderId));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  const ended = ['o003', 'o005', 'o017', 'o039'];
  const all = Array.from({ length: 40 }, (_, n) => `o${String(n).padStart(3, '0')}`);
  t.deepEqual(
    listed,
    all.filter((orderId) => !ended.includes(orderId)),
  );
  t.is(listed.length, run.state!.reserved);
});

test('levels are listed by SKU and by what is available, and movements newest first, page by page', async (t) => {
  const db = await freshDatabase(t);
  for (const [sku, orders] of [
    ['book', 0],
    ['mug', 30],
    ['tea', 60],
  ] as const) {
    const run = await busyItem(sku, orders);
    const records = [...run.journal.values()];
    await storeState(db, options, sku, run.state, { written: records.slice(0, 20), riding: records.slice(15) });
  }
  const view = stockView(db);
  t.deepEqual(await view.item('tea'), { sku: 'tea', onHand: 100, reserved: 60, available: 40, version: 62 });
  t.is(await view.item('cup'), undefined);
  const skus = async (query: Parameters<typeof view.items>[0]) => {
    const { items, nextCursor } = await view.items(query);
    return [items.map(({ sku }) => sku), nextCursor];
  };
  t.deepEqual(await skus({ limit: 2 }), [['book', 'mug'], 'mug']);
  t.deepEqual(await skus({ limit: 2, cursor: 'mug' }), [['tea'], undefined]);
  t.deepEqual(await skus({ limit: 9, belowAvailable: 71 }), [['mug', 'tea'], undefined]);

  const first = await view.movements('tea', { limit: 2 });
  t.deepEqual(
    first.items.map(({ id, kind, quantity, orderId }) => [id, kind, quantity, orderId]),
    [
      ['61', 'reserved', 1, 'o059'],
      ['60', 'reserved', 1, 'o058'],
    ],
  );
  const last = await view.movements('tea', { limit: 2, cursor: '3' });
  t.like(last.items.at(-1), { id: '1', kind: 'received', quantity: 100, reason: 'opened' });
  t.is(last.nextCursor, undefined);
});

test('an audit reads each item with all its movements, and each order’s, whatever the size of its pages', async (t) => {
  const db = await freshDatabase(t);
  const taking: string[] = [];
  for (const [sku, orders] of [
    ['mug', 30],
    ['tea', 60],
  ] as const) {
    const run = await busyItem(sku, orders);
    const records = [...run.journal.values()];
    const written = records.slice(0, -2);
    taking.push(...written.filter((one) => isMovement(one) && one.orderId !== undefined).map(({ id }) => id));
    await storeState(db, options, sku, run.state, { written, riding: records.slice(-5) });
  }
  for (const size of [1, 2, 7, 500]) {
    const counts = new Map<string, number>();
    const wrong: unknown[] = [];
    for (const sku of ['mug', 'tea']) {
      const tally = shelfTally();
      for await (const page of auditedShelves(db).pages(size)) {
        t.true(page.length <= size);
        for (const row of page) if (row.sku === sku) tally.add(row);
      }
      wrong.push(...tally.check(undefined as never, undefined as never));
      counts.set(sku, tally.sums!().counts!['movements']!);
    }
    t.deepEqual([wrong, ...counts], [[], ['mug', 31], ['tea', 61]], String(size));
    const taken: string[] = [];
    for await (const page of auditedTakings(db).pages(size)) taken.push(...page.map(({ id }) => id));
    t.deepEqual(taken.toSorted(), taking.toSorted(), String(size));
  }
});
