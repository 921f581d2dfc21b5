import { type JWTPayload, SignJWT, decodeProtectedHeader, jwtVerify } from 'jose';
import { bounded } from '#shared/bounded.ts';
import { type Clock, systemClock } from '#shared/clock.ts';
import { ConfigError } from '#shared/errors.ts';

export type Role = 'customer' | 'operator';

/** The caller. The subject of a customer is its customer id. */
export interface Identity {
  readonly subject: string;
  readonly role: Role;
}

export interface TokenKey {
  readonly kid: string;
  readonly secret: Uint8Array;
}

/** The first one signs, all of them verify: a new key is put first and the old one stays until its tokens have expired. */
export type TokenKeys = readonly [TokenKey, ...TokenKey[]];

const KID = /^[A-Za-z0-9._-]{1,64}$/;
/** A key of HMAC with SHA-256 has at least the size of the hash (RFC 7518, 3.2). */
const MIN_SECRET_BYTES = 32;
const CLOCK_TOLERANCE_S = 5;
const CACHED_TOKENS = 1000;
/** A customer's id, or an operator's name. */
const subjectSchema = bounded(200);

/** Reads `kid:secret[,kid2:secret2]`. Throws `ConfigError` naming every problem, never a secret. */
export function parseTokenKeys(text: string): TokenKeys {
  const { keys, problems } = readTokenKeys(text);
  const [first, ...rest] = keys;
  if (problems.length > 0 || first === undefined) throw new ConfigError(problems);
  return [first, ...rest];
}

/** Why a process may not run with these keys. */
export function problemsOfTokenKeys(text: string): readonly string[] {
  return readTokenKeys(text).problems;
}

function readTokenKeys(text: string): { readonly keys: readonly TokenKey[]; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const keys = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry, position): TokenKey => {
      const colon = entry.indexOf(':');
      const kid = entry.slice(0, Math.max(colon, 0));
      const secret = new TextEncoder().encode(entry.slice(colon + 1));
      if (!KID.test(kid)) problems.push(`TOKEN_KEYS: entry ${position + 1} is not <kid>:<secret>`);
      else if (secret.length < MIN_SECRET_BYTES)
        problems.push(
          `TOKEN_KEYS: the secret of ${kid} has ${secret.length} bytes, at least ${MIN_SECRET_BYTES} are needed`,
        );
      return { kid, secret };
    });
  if (keys.length === 0) problems.push('TOKEN_KEYS: no key');
  if (new Set(keys.map((key) => key.kid)).size < keys.length) problems.push('TOKEN_KEYS: two keys have the same id');
  return { keys, problems };
}

/** A JWT (HS256) for `subject`, signed by the first key. */
export function signToken(
  claims: Identity & { readonly expiresInS: number },
  keys: TokenKeys,
  clock: Clock = systemClock,
): Promise<string> {
  const nowS = Math.floor(clock.now() / 1000);
  return new SignJWT({ role: claims.role })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid: keys[0].kid })
    .setSubject(claims.subject)
    .setIssuedAt(nowS)
    .setExpirationTime(nowS + claims.expiresInS)
    .sign(keys[0].secret);
}

export interface Verified {
  readonly identity: Identity;
  /** From then on the token is not accepted any more, epoch ms. */
  readonly acceptedUntil: number;
}

/**
 * Returns who a token speaks for; `undefined` for one that is forged, expired or says nothing. Never rejects. With
 * `remembered` no signature is checked: only a token that was verified before counts.
 */
export type Verify = (token: string, how?: 'remembered') => Promise<Verified | undefined>;

/** Verified tokens are remembered until they expire, so that a busy client costs one signature check. */
export function verifier(keys: TokenKeys, clock: Clock): Verify {
  const secrets = new Map(keys.map((key) => [key.kid, key.secret]));
  const known = new Map<string, Verified>();
  return async (token, how) => {
    const cached = known.get(token);
    if (cached !== undefined && clock.now() < cached.acceptedUntil) return cached;
    if (how === 'remembered') return undefined;
    const verified = await check(token, secrets, clock.now());
    if (verified === undefined) return undefined;
    if (known.size >= CACHED_TOKENS) known.clear();
    known.set(token, verified);
    return verified;
  };
}

async function check(
  token: string,
  secrets: ReadonlyMap<string, Uint8Array>,
  now: number,
): Promise<Verified | undefined> {
  try {
    const secret = secrets.get(String(decodeProtectedHeader(token).kid));
    if (secret === undefined) return undefined;
    const { payload } = await jwtVerify(token, secret, {
      algorithms: ['HS256'],
      requiredClaims: ['sub', 'exp', 'role'],
      clockTolerance: CLOCK_TOLERANCE_S,
      currentDate: new Date(now),
    });
    const identity = identityIn(payload);
    return identity && { identity, acceptedUntil: ((payload.exp ?? 0) + CLOCK_TOLERANCE_S) * 1000 };
  } catch {
    return undefined;
  }
}

function identityIn(payload: JWTPayload): Identity | undefined {
  const { sub: subject, role } = payload;
  if (typeof subject !== 'string' || !subjectSchema.safeParse(subject).success) return undefined;
  return role === 'customer' || role === 'operator' ? { subject, role } : undefined;
}
