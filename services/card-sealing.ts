import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { CompactEncrypt, compactDecrypt, type JWK } from 'jose';
import { z } from 'zod';
import { decrypted, encrypted, KEY_BYTES } from './direct-jwe.ts';
import { putRecent } from '#shared/recent.ts';

/** A card as somebody filled it in. Only the services that it is sealed for, and the door for a moment, have it like this. */
export const card = z.object({
  number: z.string().max(100),
  expirationDate: z.string().max(20),
  cvv: z.string().max(20),
});
export type Card = z.infer<typeof card>;

/** Opens what was sealed for its service. Throws when it was sealed for another key. */
export interface CardOpener {
  open(sealed: string): Promise<Card>;
}

/** Seals a card so that the owner of this key alone can open it. `now`: epoch ms. */
export type CardSealer = (card: Card, publicKey: JWK, now: number) => Promise<string>;

/** A key for the cards of a while, and itself as it was sealed for who opens them. */
interface Session {
  readonly key: KeyObject;
  readonly sealed: string;
}

const SESSION_MS = 60_000;
/** So many sessions an opener remembers: each door has one at a time. */
const OPENED_SESSIONS = 100;
/** Between a session and a card in it; neither has it. */
const SEPARATOR = '~';

const AGREED = { alg: 'ECDH-ES', enc: 'A256GCM' } as const;

/**
 * Seals what comes within a minute with one key (JWE, compact, RFC 7516: `dir`, AES-256-GCM), which it has agreed on with the one who opens
 * it (ECDH-ES on P-256) and tells in front of each card: an agreement costs ten times as much as the rest.
 */
export function cardSealer(): CardSealer {
  const sessions = new Map<string, { readonly until: number; readonly begun: Promise<Session> }>();

  function sessionFor(publicKey: JWK, now: number): Promise<Session> {
    const name = `${publicKey.x} ${publicKey.y}`;
    const open = sessions.get(name);
    if (open !== undefined && now < open.until) return open.begun;
    for (const [other, { until }] of sessions) if (until <= now) sessions.delete(other);
    const begun = begin(publicKey);
    sessions.set(name, { until: now + SESSION_MS, begun });
    begun.catch(() => sessions.delete(name));
    return begun;
  }

  return async (card, publicKey, now) => {
    const { key, sealed } = await sessionFor(publicKey, now);
    return sealed + SEPARATOR + encrypted(JSON.stringify(card), key);
  };
}

async function begin(publicKey: JWK): Promise<Session> {
  const secret = randomBytes(KEY_BYTES);
  const owner = createPublicKey({ key: publicKey as object, format: 'jwk' } as never);
  const sealed = await new CompactEncrypt(secret).setProtectedHeader(AGREED).encrypt(owner);
  return { key: createSecretKey(secret), sealed };
}

/** The key of a service, from its secret: all its workers have the same. The secret is never told, the public half is. */
export function cardKey(secret: string): CardOpener & { readonly publicKey: JWK } {
  const privateKey = privateKeyOf(secret);
  const publicKey = createPublicKey(privateKey).export({ format: 'jwk' }) as JWK;
  const sessions = new Map<string, Promise<KeyObject>>();

  async function agreed(text: string): Promise<KeyObject> {
    const { plaintext } = await compactDecrypt(text, privateKey, {
      keyManagementAlgorithms: [AGREED.alg],
      contentEncryptionAlgorithms: [AGREED.enc],
    });
    return createSecretKey(plaintext);
  }

  /** Those that were used last are remembered; one that cannot be opened is not. */
  function sessionOf(text: string): Promise<KeyObject> {
    const key = sessions.get(text) ?? agreed(text);
    putRecent(sessions, text, key, OPENED_SESSIONS);
    key.catch(() => sessions.delete(text));
    return key;
  }

  return {
    publicKey,
    async open(text) {
      const [session = '', sealed = ''] = text.split(SEPARATOR);
      return card.parse(JSON.parse(decrypted(sealed, await sessionOf(session))));
    },
  };
}

function privateKeyOf(secret: string): KeyObject {
  const scalar = Buffer.from(hkdfSync('sha256', secret, '', 'switchyard card data', 32));
  const curve = createECDH('prime256v1');
  curve.setPrivateKey(scalar);
  const point = curve.getPublicKey();
  const [x, y, d] = [point.subarray(1, 33), point.subarray(33), scalar].map((part) => part.toString('base64url'));
  return createPrivateKey({ key: { kty: 'EC', crv: 'P-256', x: x!, y: y!, d: d! }, format: 'jwk' });
}

/** What a service that opens cards reads from its environment. */
export const cardSecret = z.string().min(32, 'must have 32 characters or more');
