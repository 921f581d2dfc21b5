import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';

/*
 * JWE in its compact form (RFC 7516) under a key that both sides have: `dir` with AES-256-GCM. Done here, and at once, because a
 * package hands each of these few microseconds to another thread.
 */

export const KEY_BYTES = 32;
const [ALGORITHM, IV_BYTES, TAG_BYTES] = ['aes-256-gcm', 12, 16] as const;
/** It is also what is authenticated beside the text. */
const HEADER = Buffer.from(JSON.stringify({ alg: 'dir', enc: 'A256GCM' })).toString('base64url');
const HEADER_BYTES = Buffer.from(HEADER);

/** Under a random nonce: good for 2^32 texts a key. */
export function encrypted(text: string, key: KeyObject): string {
  const nonce = randomBytes(IV_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES }).setAAD(HEADER_BYTES);
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  const parts = [nonce, sealed, cipher.getAuthTag()].map((part) => part.toString('base64url'));
  return [HEADER, '', ...parts].join('.');
}

/** Throws when it was not made so, with this key, exactly like this. */
export function decrypted(jwe: string, key: KeyObject): string {
  const [header, encryptedKey, ...others] = jwe.split('.');
  const [nonce, sealed, tag] = others.map((part) => Buffer.from(part, 'base64url'));
  const isOne = header === HEADER && encryptedKey === '' && others.length === 3;
  if (!isOne || nonce?.length !== IV_BYTES || sealed === undefined || tag?.length !== TAG_BYTES)
    throw new TypeError('this is no text that was sealed with an agreed key');
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(HEADER_BYTES).setAuthTag(tag);
  return Buffer.concat([decipher.update(sealed), decipher.final()]).toString('utf8');
}
