import { fieldAt, fields, requestOf, type Values } from './form.ts';
import type { Product, Shown } from './html.ts';
import type { Money } from '#services/money.ts';
import type { Clock } from '#shared/clock.ts';
import { hasCardNumber, refuseCardNumbersBeside } from '#shared/web/card-numbers.ts';
import type { Answer, Endpoint } from '#shared/web/endpoint.ts';
import type { ProblemSlug } from '#shared/web/problem-types.ts';
import { Problem } from '#shared/web/problems.ts';
import type { Identity } from '#shared/web/tokens.ts';
import type { Trace } from '#shared/web/trace.ts';
import { validate } from '#shared/web/validate.ts';

export interface BuyingOptions {
  readonly endpoints: readonly Endpoint[];
  readonly clock: Clock;
  /** What a guest finds in its wallet when it buys for the first time; absent: nothing, it has no wallet. */
  readonly guestCredit?: Money | undefined;
}

export type Page = Shown & { readonly status: number };

interface Told {
  readonly checkoutId: string;
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

const IN_USE_TRIES = 30;
const IN_USE_MS = 250;
const NOTHING_BOUGHT = 'We cannot take your order just now. Nothing was bought; please try again in a minute.';
const NOT_NOW = 'We cannot take your order just now. Please send it again in a minute: it is bought once.';
/** For a person, in the place of what a client's author is told. */
const WORDS: Partial<Readonly<Record<ProblemSlug, string>>> = {
  validation: 'Something is not filled in right',
  'dependency-unavailable': NOT_NOW,
  'breaker-open': NOT_NOW,
  overloaded: NOT_NOW,
  'outcome-unknown': 'We do not know yet whether your order was taken. Please send it again: it is bought once.',
  'idempotency-key-in-use': 'Your order is still being looked at. Please send it again: it is bought once.',
  'idempotency-key-reused': 'This form was sent before with something else in it. Send it again to buy this too.',
};

/** What a guest does on the page, by the endpoints that every other client uses. */
export function createBuying({ endpoints, clock, guestCredit }: BuyingOptions) {
  const named = (id: string): Endpoint => endpoints.find((one) => one.id === id)!;

  async function asked(
    id: string,
    caller: Identity,
    trace: Trace,
    rest: { params?: Readonly<Record<string, string>>; body?: unknown; query?: unknown; key?: string } = {},
  ): Promise<Answer> {
    const endpoint = named(id);
    refuseCardNumbersBeside(rest.body, endpoint.cardIn);
    return endpoint.handle({
      params: rest.params ?? {},
      query: endpoint.query && validate(endpoint.query, rest.query ?? {}, 'query'),
      body: endpoint.body && validate(endpoint.body, rest.body ?? {}, 'body'),
      caller,
      trace,
      ...(rest.key !== undefined && rest.key !== '' && { idempotencyKey: rest.key }),
    });
  }

  /** As `asked`; the first of two that came at once is waited for. */
  async function askedOnce(...request: Parameters<typeof asked>): Promise<Answer> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await asked(...request);
      } catch (error) {
        const isInUse = error instanceof Problem && error.slug === 'idempotency-key-in-use';
        if (!isInUse || tries === IN_USE_TRIES) throw error;
        await clock.sleep(IN_USE_MS);
      }
    }
  }

  /** Gives a guest without a wallet its credit, once, as an operator does. The hold of what it buys comes after it in the wallet. */
  async function credited(customerId: string, trace: Trace): Promise<void> {
    if (guestCredit === undefined) return;
    const params = { customerId };
    try {
      await asked('getWallet', guest(customerId), trace, { params });
    } catch (error) {
      if (!(error instanceof Problem) || error.slug !== 'not-found') throw error;
      const key = `guest-credit-${customerId}`;
      await askedOnce('topUp', { role: 'operator', subject: 'checkout-page' }, trace, {
        params,
        body: guestCredit,
        key,
      });
    }
  }

  async function productsFor(trace: Trace): Promise<readonly Product[]> {
    const { body } = await asked('listProducts', guest(''), trace, { query: { limit: '50' } });
    return (body as { readonly items: readonly Product[] }).items;
  }

  /** What is said of an answer, or of a problem, above a form that is filled in with `values`. */
  async function shownOf(values: Values, key: string, trace: Trace, ask: () => Promise<Answer>): Promise<Page> {
    const base = { products: await productsFor(trace), values: withoutCards(values), key: clock.id() };
    try {
      const { status, body } = await ask();
      const told = body as Told;
      if (told.status === 'failed') return { ...base, status: 200, problem: NOTHING_BOUGHT };
      if (told.status !== 'rejected') return { ...base, status: status === 202 ? 202 : 200, outcome: told };
      const lines = told.reason === undefined ? [] : [told.reason, ...(told.reason.also ?? [])];
      return { ...base, status: 200, problem: told.reason?.title ?? 'Not approved', errors: errorsOf(lines) };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const { status, slug, message } = error;
      const found = (error.members['errors'] ?? []) as readonly Omit<Line, 'title'>[];
      const errors = errorsOf(found.map((one) => ({ ...one, title: one.detail })));
      if (isGivenUp(error)) return { ...base, status, problem: NOTHING_BOUGHT, errors };
      // What an earlier try of this form has begun may still be bought: with its key, once.
      const again = slug === 'idempotency-key-reused' || key === '' ? {} : { key };
      return { ...base, ...again, status, problem: WORDS[slug] ?? message, errors };
    }
  }

  return {
    async form(values: Values, trace: Trace): Promise<Page> {
      return { status: 200, products: await productsFor(trace), values, key: clock.id() };
    },
    bought(values: Values, customerId: string, trace: Trace): Promise<Page> {
      const key = (values['key'] ?? '').slice(0, 100);
      return shownOf(values, key, trace, async () => {
        await credited(customerId, trace);
        return askedOnce('placeCheckout', guest(customerId), trace, { body: requestOf(values, customerId), key });
      });
    },
    /** What became of a checkout of the guest. */
    lookedUp(checkoutId: string, values: Values, customerId: string, trace: Trace): Promise<Page> {
      return shownOf(values, '', trace, () =>
        asked('getCheckout', guest(customerId), trace, { params: { checkoutId } }),
      );
    },
  };
}

/** It names the checkout that nothing comes of; every other refusal knows of its own try alone. */
function isGivenUp({ slug, members }: Problem): boolean {
  return slug === 'dependency-unavailable' && members['checkoutId'] !== undefined;
}

function guest(subject: string): Identity {
  return { role: 'customer', subject };
}

function errorsOf(lines: readonly Line[]): ReadonlyMap<string, string> {
  const told = lines.flatMap(({ pointer, title, detail }) =>
    pointer === undefined ? [] : [[fieldAt(pointer), title === detail ? title : `${title}. ${detail}`] as const],
  );
  // Of several about one field the first one stands there.
  return new Map(told.toReversed());
}

/** What may be written into a page again: nothing of a card, wherever it was typed. */
function withoutCards(values: Values): Values {
  const secret = fields.filter((field) => field.secret === true).map(({ name }) => name);
  return Object.fromEntries(
    Object.entries(values).filter(([name, value]) => !secret.includes(name) && !hasCardNumber(value)),
  );
}
