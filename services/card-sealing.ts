import { createECDH, createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto';
import { CompactEncrypt, compactDecrypt, type JWK } from 'jose';
import { z } from 'zod';

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

/** The card for this key alone: JWE, compact (RFC 7516), ECDH-ES on P-256 with AES-256-GCM; a key of its own for each. */
export async function sealed(card: Card, publicKey: JWK): Promise<string> {
  const key = createPublicKey({ key: publicKey as object, format: 'jwk' } as never);
  return new CompactEncrypt(new TextEncoder().encode(JSON.stringify(card)))
    .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM' })
    .encrypt(key);
}

/** The key of a service, from its secret: all its workers have the same. The secret is never told, the public half is. */
export function cardKey(secret: string): CardOpener & { readonly publicKey: JWK } {
  const privateKey = privateKeyOf(secret);
  const publicKey = createPublicKey(privateKey).export({ format: 'jwk' }) as JWK;
  return {
    publicKey,
    async open(text) {
      const { plaintext } = await compactDecrypt(text, privateKey, {
        keyManagementAlgorithms: ['ECDH-ES'],
        contentEncryptionAlgorithms: ['A256GCM'],
      });
      return card.parse(JSON.parse(new TextDecoder().decode(plaintext)));
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
