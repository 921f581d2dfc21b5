/** What is sealed with an agreed key is JWE as others read and write it, and nothing else is opened. */
import { generateKeySync, type KeyObject } from 'node:crypto';
import test from 'ava';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { decrypted, encrypted, KEY_BYTES } from '#services/direct-jwe.ts';

const [key, otherKey] = [1, 2].map(() => generateKeySync('aes', { length: KEY_BYTES * 8 })) as [KeyObject, KeyObject];
const TEXT = 'a card — with “quotes” and a €';
const DIRECT = { alg: 'dir', enc: 'A256GCM' } as const;

test('a package for JWE opens it, and what the package sealed is opened here', async (t) => {
  const { plaintext, protectedHeader } = await compactDecrypt(encrypted(TEXT, key), key);
  t.is(Buffer.from(plaintext).toString(), TEXT);
  t.deepEqual(protectedHeader, DIRECT);
  const theirs = await new CompactEncrypt(Buffer.from(TEXT)).setProtectedHeader(DIRECT).encrypt(key);
  t.is(decrypted(theirs, key), TEXT);
});

test('the same text is never sealed to the same twice', (t) => {
  const nonces = Array.from({ length: 1000 }, () => encrypted(TEXT, key).split('.')[2]);
  t.is(new Set(nonces).size, 1000);
});

test('with another key, or changed in any part, it is not opened', (t) => {
  const sealed = encrypted(TEXT, key);
  t.is(decrypted(sealed, key), TEXT);
  t.throws(() => decrypted(sealed, otherKey));
  const parts = sealed.split('.');
  for (const [place, part] of parts.entries()) {
    const other = part === '' ? 'AAAA' : `${part.startsWith('A') ? 'B' : 'A'}${part.slice(1)}`;
    t.throws(() => decrypted(parts.with(place, other).join('.'), key), undefined, `part ${place} changed`);
    if (part !== '')
      t.throws(() => decrypted(parts.with(place, part.slice(0, -4)).join('.'), key), undefined, `${place}`);
  }
  for (const wrong of ['', '.', '....', `${sealed}.`, sealed.slice(1)])
    t.throws(() => decrypted(wrong, key), undefined, wrong);
});

test('a text that was sealed in another way is refused, whoever has the key', async (t) => {
  const header = { ...DIRECT, zip: 'DEF' } as const;
  const packed = await new CompactEncrypt(Buffer.from(TEXT)).setProtectedHeader(header).encrypt(key);
  t.throws(() => decrypted(packed, key));
});
