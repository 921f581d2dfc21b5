import test from 'ava';
import { MASK, masked, maskText } from '#shared/masking.ts';

const CARDS = ['4111111111111111', '4111 1111 1111 1111', '5555-5555-5555-4444', '378282246310005', '6011000990139424'];

for (const card of CARDS) {
  test(`the card number ${card} is masked wherever it stands`, (t) => {
    t.is(maskText(`paid with ${card}, thanks`), `paid with ${MASK}, thanks`);
    t.deepEqual(masked({ note: [{ deep: card }] }), { note: [{ deep: MASK }] });
  });
}

test('a card number is masked also beside its expiry date', (t) => {
  t.is(maskText('4111 1111 1111 1111 12/27 123'), `${MASK} 12/27 123`);
});

test('a card number as a JSON number is masked', (t) => {
  t.deepEqual(masked({ n: 4111111111111111, amount: 1299 }), { n: MASK, amount: 1299 });
});

test('ids, amounts and times stay', (t) => {
  const plain = {
    id: '01912345-4111-7111-8111-111111111111',
    at: 1767225600000,
    text: '2026-01-01T00:00:00.000Z',
    amount: 123456,
    order: 'order-4111111111111112',
  };
  t.deepEqual(masked(plain), plain);
});

test('what is named a secret is masked, whatever it is; tokens and passwords also in a text', (t) => {
  t.deepEqual(masked({ password: 'x', apiKey: 7, Authorization: ['a'], token: null, nested: { cvv: '123' } }), {
    password: MASK,
    apiKey: MASK,
    Authorization: MASK,
    token: null,
    nested: { cvv: MASK },
  });
  t.is(maskText('Authorization: Bearer abcdefgh.ijkl'), `Authorization: Bearer ${MASK}`);
  t.is(maskText('amqp://user:pa55@host/vhost failed'), `amqp://${MASK}@host/vhost failed`);
});

test('the name of a field is masked as well', (t) => {
  t.deepEqual(masked({ '4111111111111111': 1 }), { [MASK]: 1 });
});
