import test from 'ava';
import { cardNumbersIn, isPaymentCard } from '#shared/card-numbers.ts';

const found = (text: string, isIssued?: typeof isPaymentCard): readonly string[] =>
  cardNumbersIn(text, isIssued).map(({ start, end }) => text.slice(start, end));

for (const [text, numbers] of [
  ['4111111111111111', ['4111111111111111']],
  ['4111 1111 1111 1111 12/27 123', ['4111 1111 1111 1111']],
  ['12 4111-1111-1111-1111', ['4111-1111-1111-1111']],
  ['4111111111111111, 5555555555554444', ['4111111111111111', '5555555555554444']],
  ['x4111111111111111x', ['4111111111111111']],
  ['4111111111111112', []],
  ['411111111111111', []],
  ['41111111111111111111', []],
  ['01912345-4111-7111-8111-111111111111', []],
  ['a3f94111111111111111be02cc01aa77', []],
  ['4111 1111/1111 1111', []],
] as const) {
  test(`in ${JSON.stringify(text)} there are ${JSON.stringify(numbers)}`, (t) => t.deepEqual(found(text), numbers));
}

test('times since 1970 in ms, µs and ns, and dates, are no payment cards; every scheme’s numbers are', (t) => {
  for (const digits of [
    '1763740000000',
    '1763740000000000',
    '1763740000000000000',
    '20261121161900004',
    '2199999999999',
  ])
    t.false(isPaymentCard(digits), digits);
  for (const digits of ['4', '51', '2221', '2720', '34', '37', '6011', '65', '36', '3528', '62', '50', '2200', '81'])
    t.true(isPaymentCard(`${digits}${'0'.repeat(16 - digits.length)}`), digits);
});
