import test from 'ava';
import { Problem } from '#shared/web/problems.ts';
import { refuseCardNumbers } from '#shared/web/card-numbers.ts';

const CARD = '4242424242424242';

/** Where it says that card numbers stand. */
function placesIn(value: unknown): readonly string[] {
  try {
    refuseCardNumbers(value, 'body');
    return [];
  } catch (error) {
    const errors = (error as Problem).members['errors'] as readonly { readonly pointer: string }[];
    return errors.map(({ pointer }) => pointer);
  }
}

test('the place of a card number is named, outermost first, and no card number in it', (t) => {
  t.deepEqual(placesIn({ note: ['a', { 'a/b~c': CARD }], [CARD]: 1, total: Number(CARD) }), [
    '/***',
    '/total',
    '/note/1/a~1b~0c',
  ]);
  t.deepEqual(placesIn(CARD), ['']);
  t.deepEqual(placesIn({ items: ['GR1', { sku: 'SR1', quantity: 2 }], id: 7, at: 1_700_000_000_000 }), []);
});

test('digits of other scripts count, however few characters they are', (t) => {
  t.deepEqual(placesIn({ wide: '４２４２４２４２４２４２４２４２' }), ['/wide']);
  t.deepEqual(placesIn({ circled: '㊷'.repeat(8) }), ['/circled']);
});

test('at most twenty places are told, and what stands behind ten thousand items is seen', (t) => {
  t.is(placesIn(Array.from({ length: 50 }, () => CARD)).length, 20);
  t.deepEqual(placesIn({ items: Array.from({ length: 10_000 }, () => 'GR1'), note: [CARD] }), ['/note/0']);
});
