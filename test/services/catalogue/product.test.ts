import test from 'ava';
import { shelf } from './shelf.ts';
import { shown } from '#services/catalogue/view.ts';

async function onSale() {
  const one = shelf();
  await one.create();
  return one;
}

test('a second product of the same SKU is refused and changes nothing', async (t) => {
  const one = await onSale();
  const before = one.state;
  t.like(await one.create({ name: 'Other' }), { type: 'catalogue.create-refused', body: { reason: 'product_exists' } });
  t.deepEqual(one.state, before);
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
