import type { IncomingMessage } from 'node:http';
import type { Caller, Endpoint } from './endpoint.ts';
import { Problem, retryAfter } from './problems.ts';
import { createRateLimit } from './rate-limit.ts';
import { type TokenKeys, verifier } from './tokens.ts';
import type { Clock } from '#shared/clock.ts';

export interface CallerLimits {
  /** Requests of one customer, by the subject of its tokens; operators are not limited. 0 a second: no limit. */
  readonly customerPerS: number;
  readonly customerBurst: number;
  /** Requests without a valid token from one address. */
  readonly failuresPerS: number;
  readonly failuresBurst: number;
}

interface AuthenticationOptions extends CallerLimits {
  readonly tokens: TokenKeys;
  readonly clock: Clock;
}

export interface Admitted {
  readonly identity: Caller;
  readonly acceptedUntil?: number;
}

/** Who is let in, and as whom. Throws `Problem`: unauthorized, forbidden, too-many-requests. */
export type Authenticate = (
  request: Pick<IncomingMessage, 'headers' | 'socket'>,
  endpoint: Pick<Endpoint, 'access'>,
) => Promise<Admitted>;

/**
 * Tokens are checked before anything else is read. Customers are limited by the subject of their tokens, callers without a
 * valid one by address. An address that is over its limit gets no signature checked any more, which does not lock out
 * callers that were let in before: many may share an address.
 */
export function authentication({
  tokens,
  clock,
  customerPerS,
  customerBurst,
  failuresPerS,
  failuresBurst,
}: AuthenticationOptions): Authenticate {
  const verify = verifier(tokens, clock);
  const customers = createRateLimit({ clock, perS: customerPerS, burst: customerBurst });
  const failures = createRateLimit({ clock, perS: failuresPerS, burst: failuresBurst });

  return async ({ headers, socket }, { access }) => {
    if (access === 'public') return { identity: { role: 'anonymous', subject: '' } };
    const [, token] = /^Bearer +([\w.~+/-]+=*) *$/i.exec(headers.authorization ?? '') ?? [];
    const address = addressOf(socket.remoteAddress ?? '');
    const isOver = failures.waitMs(address) > 0;
    const verified = token === undefined ? undefined : await verify(token, isOver ? 'remembered' : undefined);
    if (verified === undefined) {
      refuseOver(failures.take(address), 'too many requests without a valid token from this address');
      throw unauthorized(token === undefined);
    }
    const { subject, role } = verified.identity;
    if (role === 'customer') refuseOver(customers.take(subject), 'too many requests of this customer');
    if (access === 'operator' && role !== 'operator') throw new Problem('forbidden', 'this needs an operator');
    return verified;
  };
}

function refuseOver(waitMs: number, detail: string): void {
  if (waitMs > 0)
    throw new Problem('too-many-requests', detail, { headers: retryAfter(waitMs), members: { retryAfterMs: waitMs } });
}

/** RFC 6750: a token that does not hold is told apart from none at all. */
function unauthorized(isMissing: boolean): Problem {
  const detail = isMissing
    ? 'the header Authorization: Bearer <token> is missing'
    : 'the token is not valid, or not any more';
  const error = isMissing ? '' : ', error="invalid_token"';
  return new Problem('unauthorized', detail, { headers: { 'WWW-Authenticate': `Bearer realm="switchyard"${error}` } });
}

/** An IPv4 address, or the /64 network of an IPv6 one: a caller that has one address of it has them all. */
export function addressOf(remote: string): string {
  const plain = remote.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0');
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}::/64`;
}
