/** CK-5 to CK-8 without a world around them: each rule at its edges, what it weighs, and the card's format against a second opinion. */
import test from 'ava';
import fc from 'fast-check';
import { goodCard } from '#test/support/checkouts.ts';
import type { Card } from '#services/card-sealing.ts';
import { judged, THRESHOLD, toldRules } from '#services/checkout-rules.ts';
import { buyerRules, fraudRuleList, payerRules } from '#services/fraud/rules.ts';
import { cardRules, endOf, verificationRuleList } from '#services/verification/rules.ts';

const EUR = (amount: number) => ({ amount, currency: 'EUR' as const });
const NOON = Date.UTC(2026, 5, 15, 12);

/** The codes with which it is rejected, the first one first; none: it passes. */
function codesOf(reason: ReturnType<typeof judged>): readonly string[] {
  return reason === undefined ? [] : [reason.code, ...reason.also.map(({ code }) => code)];
}
const ofCard = (changes: Partial<Card>, now = NOON): readonly string[] =>
  codesOf(judged('C', cardRules, { card: { ...goodCard, ...changes }, now }));
const ofBuyer = (changes: object): readonly string[] =>
  codesOf(
    judged('D', buyerRules, {
      user: { name: 'Alice', contact: 'alice@example.org' },
      pieces: 1,
      total: EUR(100),
      ...changes,
    }),
  );
const ofPayer = ({ amount = 100, now = NOON, ...card }: Partial<Card> & { amount?: number; now?: number }) =>
  codesOf(judged('E', payerRules, { card: { ...goodCard, ...card }, pieces: 1, total: EUR(amount), now }));

/** By the book: from the right, each second digit doubled, the digits of all added up. */
function fits(digits: string): boolean {
  const all = [...digits].toReversed().map(Number);
  const sum = all.reduce((before, digit, n) => {
    const doubled = n % 2 === 1 ? digit * 2 : digit;
    return before + Math.floor(doubled / 10) + (doubled % 10);
  }, 0);
  return sum % 10 === 0;
}

test('a number of 13 to 19 digits, with single blanks or dashes between them, passes when its check digit fits', (t) => {
  const numbers = fc
    .array(fc.integer({ min: 0, max: 9 }), { minLength: 11, maxLength: 21 })
    .chain((digits) =>
      fc.tuple(
        fc.constant(digits.join('')),
        fc.array(fc.constantFrom('', '', ' ', '-'), { minLength: digits.length, maxLength: digits.length }),
      ),
    );
  fc.assert(
    fc.property(numbers, ([digits, between]) => {
      const number = [...digits].map((digit, n) => (n === 0 ? digit : `${between[n]}${digit}`)).join('');
      const isLong = digits.length >= 13 && digits.length <= 19;
      const expected = !isLong ? ['card_number_digits'] : fits(digits) ? [] : ['card_number_check_digit'];
      t.deepEqual(ofCard({ number }), expected, number);
    }),
    { numRuns: 2000 },
  );
});

test('12 and 20 digits, letters, other signs and digits of other scripts are no number of a card', (t) => {
  const odd = [
    '424242424242',
    '42424242424242424242',
    '4242424242424242x',
    '4242/4242/4242/4242',
    '4242_4242_4242_4242',
  ];
  for (const number of [...odd, '4242.4242.4242.4242', '٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢', '4242\n4242\n4242\n4242', '', '-', '0'])
    t.deepEqual(ofCard({ number }), ['card_number_digits'], JSON.stringify(number));
});

test('an expiry date is MM/YY with a month of 01 to 12, and nothing else', (t) => {
  for (let month = 0; month <= 99; month += 1) {
    const text = `${String(month).padStart(2, '0')}/40`;
    t.deepEqual(ofCard({ expirationDate: text }), month >= 1 && month <= 12 ? [] : ['card_expiry_format'], text);
  }
  for (const text of [
    '',
    '12',
    '12/',
    '/40',
    '1/40',
    '12/4',
    '12/2040',
    '12-40',
    '1240',
    '12 / 40',
    '2040-12',
    '12/4O',
    'x12/40',
  ])
    t.deepEqual(ofCard({ expirationDate: text }), ['card_expiry_format'], JSON.stringify(text));
});

test('a card is good until its month has ended in every time zone, and not a moment longer', (t) => {
  const zones = [12, 0, -5, -12];
  for (const [text, year, month] of [
    ['01/26', 2026, 2],
    ['02/28', 2028, 3],
    ['11/26', 2026, 12],
    ['12/26', 2027, 1],
    ['12/99', 2100, 1],
  ] as const) {
    const midnight = (offsetHours: number): number => Date.UTC(year, month - 1) - offsetHours * 3_600_000;
    for (const offset of zones)
      t.deepEqual(ofCard({ expirationDate: text }, midnight(offset) - 1), [], `${text} ${offset}`);
    t.deepEqual(ofCard({ expirationDate: text }, Date.UTC(year, month - 2)), [], `${text} from its first day on`);
    t.is(endOf(text), midnight(-12));
    t.deepEqual(ofCard({ expirationDate: text }, midnight(-12) + 1), ['card_expired'], text);
  }
  t.is(endOf('13/26'), undefined);
});

test('a security code has three or four digits', (t) => {
  for (const cvv of ['123', '1234', '000']) t.deepEqual(ofCard({ cvv }), [], cvv);
  for (const cvv of ['', '1', '12', '12345', '12a', '1 23', '123 ', '１２３'])
    t.deepEqual(ofCard({ cvv }), ['card_cvv_format'], JSON.stringify(cvv));
});

test('each disposable domain and each listed name is known, however it is written, and no other', (t) => {
  for (const domain of ['mailinator.com', 'guerrillamail.com', '10minutemail.com', 'trashmail.com', 'yopmail.com'])
    for (const contact of [`a@${domain}`, `A.B@${domain.toUpperCase()}`, `"a@b"@${domain} `])
      t.deepEqual(ofBuyer({ user: { name: 'Alice', contact } }), ['contact_disposable'], contact);
  for (const contact of ['a@mailinator.com.example.org', 'mailinator.com@example.org', 'a@notyopmail.com'])
    t.deepEqual(ofBuyer({ user: { name: 'Alice', contact } }), [], contact);
  for (const name of ['Mallory Malicious', '  fraud   FRAUDSTER ', 'mallory\tmalicious'])
    t.deepEqual(ofBuyer({ user: { name, contact: 'a@b.org' } }), ['name_listed'], name);
  for (const name of ['Mallory Malicious Jr', 'Mallory', 'Fraudster Fraud'])
    t.deepEqual(ofBuyer({ user: { name, contact: 'a@b.org' } }), [], name);
});

test('a light rule rejects nobody alone; two that reach the threshold do, at their edges', (t) => {
  const nameless = { user: { name: '007', contact: 'a@b.org' } };
  t.deepEqual(ofBuyer(nameless), []);
  t.deepEqual(ofBuyer({ pieces: 1_000_000 }), []);
  t.deepEqual(ofBuyer({ total: EUR(99_000_000) }), []);
  t.deepEqual(ofBuyer({ ...nameless, pieces: 1000, total: EUR(1_000_000) }), [], 'not more than');
  t.deepEqual(ofBuyer({ ...nameless, pieces: 1001 }), ['name_without_letters', 'many_pieces']);
  t.deepEqual(ofBuyer({ ...nameless, total: EUR(1_000_001) }), ['name_without_letters', 'large_total']);
  t.deepEqual(ofBuyer({ pieces: 1001, total: EUR(1_000_001) }), ['many_pieces', 'large_total']);
  t.deepEqual(ofBuyer({ ...nameless, pieces: 1001, total: EUR(1_000_001) }), [
    'name_without_letters',
    'many_pieces',
    'large_total',
  ]);
  for (const name of ['É', 'Юлия', '李', 'x1'])
    t.deepEqual(ofBuyer({ user: { name, contact: 'a@b.org' }, pieces: 1001 }), [], name);
});

test('what a card weighs at its event: listed or of one digit alone, the light ones together', (t) => {
  for (const number of ['4000000000009979', '4000 0000 0000 9979', '4100-0000-0000-0019', '5555 5555 5555 4477'])
    t.deepEqual(ofPayer({ number }), ['card_listed'], number);
  t.deepEqual(ofPayer({ number: '0000 0000 0000 0' }), ['card_one_digit']);
  t.deepEqual(ofPayer({ number: '4000000000009987' }), []);
  const [zeros, soon, large] = [{ cvv: '000' }, { expirationDate: '06/26' }, { amount: 500_001 }];
  for (const one of [zeros, soon, large, { ...zeros, ...soon }, { ...soon, ...large }]) t.deepEqual(ofPayer(one), []);
  t.deepEqual(ofPayer({ ...zeros, ...large }), ['cvv_one_digit', 'large_for_a_card']);
  t.deepEqual(ofPayer({ ...zeros, ...large, cvv: '0000' }), ['cvv_one_digit', 'large_for_a_card']);
  t.deepEqual(ofPayer({ ...zeros, amount: 500_000 }), [], 'not more than');
  t.deepEqual(ofPayer({ ...zeros, ...soon, ...large }), ['cvv_one_digit', 'large_for_a_card', 'expires_this_month']);
  t.deepEqual(ofPayer({ ...zeros, ...large, cvv: '111' }), [], 'zeros, not any digit');
  const listed = { number: '4000000000009979' };
  t.deepEqual(ofPayer({ ...listed, ...zeros, ...soon }), ['card_listed', 'cvv_one_digit', 'expires_this_month']);
  const [first, last] = [Date.UTC(2026, 5, 1), Date.UTC(2026, 6, 1) - 1];
  for (const now of [first, last]) t.is(ofPayer({ ...zeros, ...large, ...soon, now }).length, 3);
  for (const now of [first - 1, last + 1]) t.is(ofPayer({ ...zeros, ...large, ...soon, now }).length, 2);
});

const all = [...verificationRuleList, ...fraudRuleList];

test('a rejection tells of each rule that applied its code, words and field as they are listed, the heaviest first', (t) => {
  const listed = [...toldRules('verification', verificationRuleList), ...toldRules('fraud', fraudRuleList)];
  t.deepEqual(
    listed.map(({ event, code, weight, title, words, pointer }) => ({ event, code, weight, title, words, pointer })),
    all.map(({ event, code, weight, title, words, pointer }) => ({ event, code, weight, title, words, pointer })),
  );
  t.true(listed.every(({ threshold }) => threshold === THRESHOLD));
  t.is(new Set(listed.map(({ code }) => code)).size, 25);
  const always = all.map((rule) => ({ ...rule, applies: () => true }));
  for (const event of ['A', 'B', 'C', 'D', 'E'] as const) {
    const { event: at, also, ...first } = judged(event, always, undefined as never)!;
    t.is(at, event);
    const rules = listed.filter((one) => one.event === event);
    const told = [first, ...also];
    const weights = told.map(({ code }) => rules.find((one) => one.code === code)!.weight);
    t.deepEqual(
      weights,
      weights.toSorted((a, b) => b - a),
    );
    for (const { code, title, words, pointer } of rules)
      t.deepEqual(
        told.find((one) => one.code === code),
        { code, title, detail: words, pointer: pointer! },
      );
    t.is(told.length, rules.length);
  }
});

test('each rule names the field that a form has for it', (t) => {
  const fields = Object.fromEntries(all.map(({ code, pointer }) => [code, pointer]));
  const [name, contact, number] = ['/user/name', '/user/contact', '/creditCard/number'];
  t.like(fields, { name_without_letters: name, name_listed: name, contact_disposable: contact, card_listed: number });
  t.like(fields, { many_pieces: '/items', large_total: '/items', large_for_a_card: '/items', card_one_digit: number });
  t.like(fields, { cvv_one_digit: '/creditCard/cvv', expires_this_month: '/creditCard/expirationDate' });
});
