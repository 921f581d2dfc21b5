import test from 'ava';
import { listKeyOf, listKeysOf, nameKey } from '#services/catalogue/name-key.ts';

const finds = (q: string, name: string): boolean => {
  const { $gte, $lt } = listKeysOf(q);
  const key = listKeyOf(name, 'sku');
  return (
    Buffer.compare(Buffer.from(key), Buffer.from($gte)) >= 0 && Buffer.compare(Buffer.from(key), Buffer.from($lt)) < 0
  );
};

test('names that differ in case, accents, width or spaces have one key', (t) => {
  for (const same of [
    ['Crème Brûlée', 'CREME  BRULEE', ' creme\u0301 brulee '],
    ['Straße', 'STRASSE', 'strasse'],
    ['ΟΔΟΣ', 'οδος', 'οδοσ'],
    ['ﬁne Ｔｅａ', 'fine tea'],
    ['كِتَاب', 'كتاب'],
    ['İstanbul', 'istanbul'],
  ])
    t.is(new Set(same.map(nameKey)).size, 1, same.join(' | '));
});

test('letters that only look related stay apart', (t) => {
  for (const [one, other] of [
    ['か', 'が'],
    ['की', 'का'],
    ['o', 'ø'],
  ] as const)
    t.not(nameKey(one), nameKey(other));
});

test('a search finds the names that begin with it, and no others', (t) => {
  for (const q of ['T', 'te', 'TÉA', 'tea ', 'tea with']) t.true(finds(q, 'Tea with 🍋 & Honey'), q);
  for (const q of ['ea', 'tea without', 'teapot']) t.false(finds(q, 'Tea with 🍋 & Honey'), q);
  t.true(finds('🍋', '🍋 lemonade'));
  t.true(finds('ספר', 'ספר טוב'));
});

test('what people write of a long name finds it, and so does the whole name', (t) => {
  for (const name of ['x'.repeat(200), '👨‍👩‍👧‍👦'.repeat(200), 'ﷺ'.repeat(200)]) {
    t.true(finds(name, name));
    t.true(Buffer.byteLength(listKeyOf(name, 's'.repeat(100))) < 600);
  }
});

test('names in the order of their keys are as people sort them, and equal names by SKU', (t) => {
  const goods = [
    ['Émile', '1'],
    ['apple pie', '1'],
    ['Apple', '2'],
    ['apple', '1'],
    ['zebra', '1'],
  ] as const;
  const sorted = goods.toSorted(([a, s], [b, r]) =>
    Buffer.compare(Buffer.from(listKeyOf(a, s)), Buffer.from(listKeyOf(b, r))),
  );
  t.deepEqual(
    sorted.map(([name]) => name),
    ['apple', 'Apple', 'apple pie', 'Émile', 'zebra'],
  );
});
