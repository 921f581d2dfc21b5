import type Koa from 'koa';
import type { Clock } from '#shared/clock.ts';
import { signToken, type TokenKeys, verifier } from '#shared/web/tokens.ts';

const COOKIE = 'switchyard_guest';
const GUEST_S = 24 * 3600;

/**
 * Who a request of the page comes from: a customer of its own, known for a day by a signed cookie. It is given with the form, so that a form
 * that is sent twice at once comes from one guest.
 */
export function createGuests(tokens: TokenKeys, clock: Clock): (ctx: Koa.Context) => Promise<string> {
  const verify = verifier(tokens, clock);
  return async (ctx) => {
    const known = await verify(ctx.cookies.get(COOKIE) ?? '');
    if (known?.identity.role === 'customer') return known.identity.subject;
    const subject = `guest-${clock.id()}`;
    const token = await signToken({ subject, role: 'customer', expiresInS: GUEST_S }, tokens, clock);
    // Over https it is `secure`: Koa knows by the connection, or by its proxy's word where that is believed.
    ctx.cookies.set(COOKIE, token, { path: '/checkout', httpOnly: true, sameSite: 'strict', maxAge: GUEST_S * 1000 });
    return subject;
  };
}
