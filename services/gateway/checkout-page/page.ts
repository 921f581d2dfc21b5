import type Koa from 'koa';
import { script, style } from './assets.ts';
import { type BuyingOptions, createBuying } from './buying.ts';
import { readForm, type Values } from './form.ts';
import { createGuests } from './guest.ts';
import { pageOf } from './html.ts';
import { addressOf } from '#shared/web/authentication.ts';
import { Problem } from '#shared/web/problems.ts';
import { createRateLimit } from '#shared/web/rate-limit.ts';
import type { TokenKeys } from '#shared/web/tokens.ts';
import { traceOf } from '#shared/web/trace.ts';

export interface CheckoutPageOptions extends BuyingOptions {
  readonly tokens: TokenKeys;
  /** A card that the form is filled in with; absent: none. */
  readonly card?: string | undefined;
}

/** Of one address. */
const POSTS = { perS: 5, burst: 50 };
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

/**
 * The form at `/checkout`, for a person without a token: whoever opens it is a guest. It goes the way of every other checkout; the card is
 * not written into a page again.
 */
export function checkoutPage(options: CheckoutPageOptions): Koa.Middleware {
  const { tokens, clock, card = '' } = options;
  const guestOf = createGuests(tokens, clock);
  const posts = createRateLimit({ clock, ...POSTS });
  const buying = createBuying(options);

  async function pageFor(ctx: Koa.Context) {
    const trace = traceOf(ctx.get('traceparent'), clock);
    if (ctx.method !== 'POST') {
      const customerId = await guestOf(ctx);
      const values = prefilled(card, clock.now());
      const { checkout } = ctx.query;
      if (typeof checkout !== 'string') return buying.form(values, trace);
      return buying.lookedUp(checkout, values, customerId, trace);
    }
    requireOwnOrigin(ctx);
    if (posts.take(addressOf(ctx.req.socket.remoteAddress ?? '')) > 0)
      throw new Problem('too-many-requests', 'too many orders from this address');
    const values = await readForm(ctx.req);
    return buying.bought(values, await guestOf(ctx), trace);
  }

  return async (ctx, next) => {
    if (ctx.path === '/checkout/page.css' || ctx.path === '/checkout/page.js') {
      if (ctx.method !== 'GET' && ctx.method !== 'HEAD') return passedOn(next);
      ctx.set({ ...HEADERS, 'Cache-Control': 'public, max-age=300' });
      ctx.type = ctx.path.endsWith('css') ? 'text/css' : 'text/javascript';
      ctx.body = ctx.path.endsWith('css') ? style : script;
      return;
    }
    if (ctx.path !== '/checkout' || !['GET', 'HEAD', 'POST'].includes(ctx.method)) return passedOn(next);
    const { status, ...shown } = await pageFor(ctx);
    ctx.set(HEADERS);
    ctx.status = status;
    ctx.type = 'text/html';
    ctx.body = pageOf(shown);
  };
}

async function passedOn(next: Koa.Next): Promise<void> {
  await next();
}

/** A form of another site does not buy here. */
function requireOwnOrigin(ctx: Koa.Context): void {
  const origin = ctx.get('origin');
  const site = ctx.get('sec-fetch-site');
  const isForeign = (origin !== '' && URL.parse(origin)?.host !== ctx.host) || site === 'cross-site';
  if (isForeign) throw new Problem('forbidden', 'the form was sent from another site');
}

function prefilled(card: string, now: number): Values {
  const year = String((new Date(now).getUTCFullYear() + 3) % 100).padStart(2, '0');
  return {
    quantity: '1',
    'user.name': 'Alice Liddell',
    'user.contact': 'alice@example.org',
    'billingAddress.street': 'Rabbit Hole 1',
    'billingAddress.city': 'Oxford',
    'billingAddress.state': 'Oxfordshire',
    'billingAddress.zip': 'OX1 1AA',
    'billingAddress.country': 'United Kingdom',
    termsAccepted: 'on',
    ...(card !== '' && {
      'creditCard.number': card,
      'creditCard.expirationDate': `12/${year}`,
      'creditCard.cvv': '123',
    }),
  };
}
