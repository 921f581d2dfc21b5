import test from 'ava';
import { shelf, sku, tea } from './shelf.ts';
import { endOf, shown } from '#services/catalogue/view.ts';
import * as stock from '#services/stock/contract.ts';

/** A product whose stock is open. */
async function onSale() {
  const one = shelf();
  await one.create({ initialStock: 5 });
  await one.hear(stock.opened, { sku });
  return one;
}

test('a product is created at version 1 and asks for its stock item', async (t) => {
  const one = shelf();
  t.like(await one.create({ initialStock: 5 }), { type: 'catalogue.created', body: { sku, version: 1 } });
  t.like(one.asked, [{ type: 'stock.open', key: sku, body: { sku, quantity: 5 } }]);
  t.like(shown(one.state!), { ...tea, version: 1 });
  await one.hear(stock.opened, { sku });
  t.is(one.dueAt, undefined);
  t.is(one.asked.length, 1);
});

test('without an initial stock the stock item begins with none', async (t) => {
  const one = shelf();
  await one.create();
  t.like(one.asked[0], { body: { quantity: 0 } });
});

test('a second product of the same SKU is refused and changes nothing', async (t) => {
  const one = await onSale();
  const before = one.state;
  t.like(await one.create({ name: 'Other' }), { type: 'catalogue.create-refused', body: { reason: 'product_exists' } });
  t.deepEqual(one.state, before);
  t.is(one.asked.length, 1);
});

test('an update replaces the whole content and counts one more', async (t) => {
  const one = await onSale();
  one.clock.now += 1000;
  const answer = await one.update({ version: 1, name: 'Green tea' });
  t.like(answer, { type: 'catalogue.updated', body: { version: 2, createdAt: 1_000_000, updatedAt: 1_001_000 } });
  const view = shown(one.state!)!;
  t.like(view, { name: 'Green tea', version: 2 });
  t.false('description' in view);
});

test('an update of another version, of no product or of one that is being deleted is refused', async (t) => {
  t.like(await shelf().update({ version: 1 }), { body: { reason: 'unknown_product' } });
  const one = await onSale();
  await one.update({ version: 1 });
  for (const version of [0, 1, 3])
    t.like(await one.update({ version }), { type: 'catalogue.update-refused', body: { reason: 'stale', version: 2 } });
  t.like(await one.update({}), { type: 'catalogue.updated', body: { version: 3 } }, 'without a version: whichever');
  await one.remove(3);
  t.like(await one.update({ version: 3 }), { body: { reason: 'deleting' } });
});

test('what a newer version wrote into a product stays in it', async (t) => {
  const one = await onSale();
  const newer = shelf({ ...one.state!, categories: ['c1'] } as never);
  await newer.update({ version: 1 });
  await newer.remove(2);
  await newer.hear(stock.closeRefused, { sku, reserved: 1, openOrders: 1 });
  t.like(newer.state, { status: 'active', categories: ['c1'] });
});

test('a product is deleted when its stock is closed, and can be created again at the next version', async (t) => {
  const one = await onSale();
  t.like(await one.remove(1, 'd1'), { type: 'catalogue.deleting', body: { deletion: 'd1' } });
  t.like(one.asked.at(-1), { type: 'stock.close', body: { sku } });
  t.truthy(shown(one.state!), 'it is there until that is decided');
  t.is(endOf(one.state!, 'd1'), undefined);
  await one.hear(stock.closed, { sku });
  t.is(shown(one.state!), undefined);
  t.deepEqual(endOf(one.state!, 'd1'), { deleted: true });
  t.deepEqual(one.state, { status: 'deleted', sku, version: 2, deletion: 'd1' });
  t.like(await one.update({ version: 2 }), { body: { reason: 'unknown_product' } });
  t.like(await one.remove(), { body: { reason: 'unknown_product' } });

  t.like(await one.create(), { type: 'catalogue.created', body: { version: 3 } });
  t.deepEqual(endOf(one.state!, 'd1'), { deleted: true }, 'whoever asked late is told all the same');
  t.like(await one.update({ version: 1 }), { body: { reason: 'stale' } });
});

test('a deletion that the stock refuses leaves the product as it was, and says what is reserved', async (t) => {
  const one = await onSale();
  await one.remove(1, 'd1');
  await one.hear(stock.closeRefused, { sku, reserved: 3, openOrders: 2 });
  t.like(shown(one.state!), { version: 1 });
  t.deepEqual(endOf(one.state!, 'd1'), { deleted: false, reserved: 3, openOrders: 2 });
  await one.remove(1, 'd2');
  await one.hear(stock.closed, { sku });
  t.deepEqual(endOf(one.state!, 'd2'), { deleted: true });
  t.is(new Set(one.asked.map(({ id }) => id)).size, 3, 'each question has an id of its own');
});

test('two who delete at once are told the same end', async (t) => {
  const one = await onSale();
  await one.remove(1, 'd1');
  t.like(await one.remove(1, 'd2'), { type: 'catalogue.deleting', body: { deletion: 'd1' } });
  t.is(one.asked.length, 2);
});

test('a deletion before the stock was opened closes it after that, not before', async (t) => {
  const one = shelf();
  await one.create();
  await one.remove(1, 'd1');
  t.is(one.asked.length, 1);
  await one.hear(stock.opened, { sku });
  t.like(one.asked.at(-1), { type: 'stock.close' });
  await one.hear(stock.closed, { sku });
  t.is(one.state?.status, 'deleted');
});

test('a question without an answer is asked again under its id, ever more rarely', async (t) => {
  const one = shelf();
  await one.create();
  const waits = [];
  for (let tries = 0; tries < 6; tries += 1) {
    const dueAt = one.dueAt!;
    waits.push(dueAt - one.clock.now);
    await one.wake();
    t.is(one.dueAt, dueAt, 'not before its time');
    one.clock.now = dueAt;
    await one.wake();
  }
  t.deepEqual(waits, [5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  t.is(one.asked.length, 7);
  t.is(new Set(one.asked.map(({ id }) => id)).size, 1);
  await one.hear(stock.opened, { sku });
  t.is(one.dueAt, undefined);
});

test('answers to earlier questions, doubles and strays change nothing', async (t) => {
  const one = await onSale();
  const [open] = one.asked;
  await one.remove(1, 'd1');
  const close = one.asked.at(-1)!;
  await one.hear(stock.opened, { sku }, open);
  await one.hear(stock.closed, { sku }, open);
  t.is(one.state?.status, 'deleting');
  await one.hear(stock.closed, { sku }, close);
  await one.create();
  const again = one.state;
  await one.hear(stock.closed, { sku }, close);
  await one.hear(stock.closeRefused, { sku, reserved: 1, openOrders: 1 }, close);
  await one.hear(stock.opened, { sku }, open);
  t.deepEqual(one.state, again);

  const nobody = shelf();
  await nobody.hear(stock.closed, { sku }, close);
  t.like(await nobody.create(), { body: { version: 1 } });
});
