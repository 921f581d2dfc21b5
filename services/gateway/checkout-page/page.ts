import type Koa from 'koa';
import { script, style } from './assets.ts';
import { fieldAt, fields, readForm, requestOf, type Values } from './form.ts';
import { pageOf, type Product, type Shown } from './html.ts';
import type { Clock } from '#shared/clock.ts';
import type { Answer, Endpoint } from '#shared/web/endpoint.ts';
import { Problem } from '#shared/web/problems.ts';
import { createRateLimit } from '#shared/web/rate-limit.ts';
import { addressOf } from '#shared/web/authentication.ts';
import { signToken, type TokenKeys, verifier } from '#shared/web/tokens.ts';
import { traceOf } from '#shared/web/trace.ts';
import { validate } from '#shared/web/validate.ts';

export interface CheckoutPageOptions {
  readonly endpoints: readonly Endpoint[];
  readonly tokens: TokenKeys;
  readonly clock: Clock;
  /** A card that the form is filled in with; absent: none. */
  readonly card?: string | undefined;
}

const COOKIE = 'switchyard_guest';
const GUEST_S = 24 * 3600;
/** Of one address. */
const POSTS = { perS: 5, burst: 50 };
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

interface Told {
  readonly status: string;
  readonly orderId?: string;
  readonly suggestions: readonly Product[];
  readonly reason?: Line & { readonly also?: readonly Line[] };
}
interface Line {
  readonly title: string;
  readonly detail: string;
  readonly pointer?: string;
}

/**
 * The form at `/checkout`, for a person without a token: whoever sends it is a guest, a customer of its own, known for a day by a signed
 * cookie. It goes the way of every other checkout; the card is not written into a page again.
 */
export function checkoutPage({ endpoints, tokens, clock, card = '' }: CheckoutPageOptions): Koa.Middleware {
  const verify = verifier(tokens, clock);
  const posts = createRateLimit({ clock, ...POSTS });
  const named = (id: string): Endpoint => endpoints.find((one) => one.id === id)!;

  async function guestOf(ctx: Koa.Context): Promise<string> {
    const known = await verify(ctx.cookies.get(COOKIE) ?? '');
    if (known?.identity.role === 'customer') return known.identity.subject;
    const subject = `guest-${clock.id()}`;
    const token = await signToken({ subject, role: 'customer', expiresInS: GUEST_S }, tokens, clock);
    ctx.cookies.set(COOKIE, token, { path: '/checkout', httpOnly: true, sameSite: 'strict', maxAge: GUEST_S * 1000 });
    return subject;
  }

  async function asked(
    id: string,
    ctx: Koa.Context,
    subject: string,
    rest: { body?: unknown; query?: unknown; key?: string },
  ): Promise<Answer> {
    const endpoint = named(id);
    return endpoint.handle({
      params: {},
      query: endpoint.query && validate(endpoint.query, rest.query ?? {}, 'query'),
      body: endpoint.body && validate(endpoint.body, rest.body ?? {}, 'body'),
      caller: { role: 'customer', subject },
      trace: traceOf(ctx.get('traceparent'), clock),
      ...(rest.key !== undefined && rest.key !== '' && { idempotencyKey: rest.key }),
    });
  }

  async function productsFor(ctx: Koa.Context): Promise<readonly Product[]> {
    const { body } = await asked('listProducts', ctx, '', { query: { limit: '50' } });
    return (body as { readonly items: readonly Product[] }).items;
  }

  async function bought(ctx: Koa.Context): Promise<Shown & { readonly status: number }> {
    const waitMs = posts.take(addressOf(ctx.req.socket.remoteAddress ?? ''));
    if (waitMs > 0) throw new Problem('too-many-requests', 'too many orders from this address');
    const values = await readForm(ctx.req);
    const subject = await guestOf(ctx);
    const [products, again] = [await productsFor(ctx), withoutSecrets(values)];
    try {
      const key = (values['key'] ?? '').slice(0, 100);
      const { status, body } = await asked('placeCheckout', ctx, subject, { body: requestOf(values, subject), key });
      const told = body as Told;
      const base = { products, values: again, key: clock.id(), status: status === 202 ? 202 : 200 };
      if (told.status !== 'rejected') return { ...base, outcome: told };
      const lines = told.reason === undefined ? [] : [told.reason, ...(told.reason.also ?? [])];
      return { ...base, ...refusal(lines, told.reason?.title ?? 'Not approved') };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const errors = (error.members['errors'] ?? []) as readonly {
        readonly pointer: string;
        readonly detail: string;
      }[];
      const lines = errors.map(({ pointer, detail }) => ({ title: detail, detail, pointer }));
      const shown = refusal(lines, error.slug === 'validation' ? 'Something is not filled in right' : error.message);
      return { products, values: again, key: clock.id(), status: error.status, ...shown };
    }
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
    if (ctx.method === 'POST') requireOwnOrigin(ctx);
    const { status, ...shown } =
      ctx.method === 'POST'
        ? await bought(ctx)
        : { status: 200, products: await productsFor(ctx), values: prefilled(card, clock.now()), key: clock.id() };
    ctx.set(HEADERS);
    ctx.status = status;
    ctx.type = 'text/html';
    ctx.body = pageOf(shown);
  };
}

async function passedOn(next: Koa.Next): Promise<void> {
  await next();
}

function refusal(lines: readonly Line[], problem: string): Pick<Shown, 'errors' | 'problem'> {
  const errors = lines.flatMap(({ pointer, title, detail }) =>
    pointer === undefined ? [] : [[fieldAt(pointer), title === detail ? title : `${title}. ${detail}`] as const],
  );
  return { problem, errors: new Map(errors) };
}

/** A form of another site does not buy here. */
function requireOwnOrigin(ctx: Koa.Context): void {
  const origin = ctx.get('origin');
  const site = ctx.get('sec-fetch-site');
  const isForeign = (origin !== '' && URL.parse(origin)?.host !== ctx.host) || site === 'cross-site';
  if (isForeign) throw new Problem('forbidden', 'the form was sent from another site');
}

function withoutSecrets(values: Values): Values {
  const secret = fields.filter((field) => field.secret === true).map(({ name }) => name);
  return Object.fromEntries(Object.entries(values).filter(([name]) => !secret.includes(name)));
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
