import test from 'ava';
import { link, unlink } from '#services/catalogue/contract.ts';
import { MAX_CATEGORIES } from '#services/catalogue/links.ts';
import { shelf } from './shelf.ts';

const sku = 'tea';
const categoriesIn = (state: unknown) => (state as { readonly categories?: readonly string[] }).categories;

async function onSale() {
  const one = shelf();
  await one.create();
  return one;
}

test('a link twice is one link, an end twice is one end, and neither is a change of the product', async (t) => {
  const one = await onSale();
  const { version } = one.state as { readonly version: number };
  for (const categoryId of ['a', 'b', 'a']) await one.tell(link, { sku, categoryId, gone: [] });
  t.deepEqual(categoriesIn(one.state)?.toSorted(), ['a', 'b']);
  for (let twice = 0; twice < 2; twice += 1) await one.tell(unlink, { sku, categoryId: 'a' });
  t.deepEqual(categoriesIn(one.state), ['b']);
  t.is((one.state as { readonly version: number }).version, version, 'who read it before may still change it');
  await one.update({ name: 'Green tea', version });
  t.deepEqual(categoriesIn(one.state), ['b'], 'a change of the content keeps the links');
});

test('links of categories that are gone make room; there is a limit', async (t) => {
  const one = await onSale();
  const ids = Array.from({ length: MAX_CATEGORIES }, (_, index) => `c-${index}`);
  for (const categoryId of ids) await one.tell(link, { sku, categoryId, gone: [] });
  t.like(await one.tell(link, { sku, categoryId: 'more', gone: [] }), { body: { reason: 'too_many' } });
  t.is((await one.tell(link, { sku, categoryId: 'more', gone: ['c-0'] })).type, 'catalogue.linked');
  t.is(categoriesIn(one.state)?.length, MAX_CATEGORIES);
  t.false(categoriesIn(one.state)?.includes('c-0'));
});

test('a product that is not there has no links', async (t) => {
  const one = shelf();
  t.like(await one.tell(link, { sku, categoryId: 'a', gone: [] }), { body: { reason: 'unknown_product' } });
  t.like(await one.tell(unlink, { sku, categoryId: 'a' }), { body: { reason: 'unknown_product' } });
});
