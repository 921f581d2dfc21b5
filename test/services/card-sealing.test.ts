/** Cards that are sealed for one service alone: who can open them, and how long one key serves. */
import test from 'ava';
import { type Card, cardKey, cardSealer } from '#services/card-sealing.ts';

const card: Card = { number: '4242 4242 4242 4242', expirationDate: '12/40', cvv: '123' };
const verification = cardKey('a secret of verification, which has enough of characters');
const fraud = cardKey('a secret of fraud, which has enough of characters as well');

const [SESSION, CARD] = [0, 1];
const part = (text: string, of: number): string => text.split('~')[of]!;

test('a card is opened by the service that it was sealed for, and by no other', async (t) => {
  const seal = cardSealer();
  const sealed = await seal(card, verification.publicKey, 0);
  t.deepEqual(await verification.open(sealed), card);
  await t.throwsAsync(fraud.open(sealed));
  for (const one of [card.number, card.cvv])
    t.notRegex(Buffer.from(sealed, 'base64url').toString('latin1'), RegExp(one));
});

test('another worker of the service, with the same secret, opens it too', async (t) => {
  const sealed = await cardSealer()(card, fraud.publicKey, 0);
  t.deepEqual(await cardKey('a secret of fraud, which has enough of characters as well').open(sealed), card);
});

test('cards of a minute share a key for each service, and no two are alike', async (t) => {
  const seal = cardSealer();
  const [one, other, forFraud, late] = [
    await seal(card, verification.publicKey, 0),
    await seal(card, verification.publicKey, 59_999),
    await seal(card, fraud.publicKey, 0),
    await seal(card, verification.publicKey, 60_000),
  ];
  t.is(part(one, SESSION), part(other, SESSION));
  t.not(part(one, CARD), part(other, CARD));
  t.not(part(one, SESSION), part(forFraud, SESSION));
  t.not(part(one, SESSION), part(late, SESSION));
  for (const sealed of [one, other, late]) t.deepEqual(await verification.open(sealed), card);
});

test('a card under the key of another session is not opened, and the next good one is', async (t) => {
  const seal = cardSealer();
  const [first, second] = [await seal(card, fraud.publicKey, 0), await seal(card, fraud.publicKey, 60_000)];
  await t.throwsAsync(fraud.open(`${part(first, SESSION)}~${part(second, CARD)}`));
  await t.throwsAsync(fraud.open(`${part(first, SESSION).slice(0, -3)}abc~${part(first, CARD)}`));
  await t.throwsAsync(fraud.open(part(first, SESSION)));
  await t.throwsAsync(fraud.open('nothing that was ever sealed'));
  t.deepEqual(await fraud.open(first), card);
});

test('more sessions than an opener remembers are all opened', async (t) => {
  const sealed = await Promise.all(Array.from({ length: 120 }, () => cardSealer()(card, fraud.publicKey, 0)));
  for (const one of [...sealed, ...sealed]) t.deepEqual(await fraud.open(one), card);
});
