import { z } from 'zod';
import { abandon } from './contract.ts';
import { placingCheckout } from './placing.ts';
import { checkoutBody, checkoutShape, type CheckoutView, eventShape, exampleCheckout, rulesShape } from './shapes.ts';
import { undecided } from './undecided.ts';
import { type CheckoutQueries, checkoutView, type FoundCheckout, shivizLog, shownEvent } from './view.ts';
import { sees } from '#services/access.ts';
import { participants } from '#services/checkout-flow.ts';
import { fraudRules, verificationRules } from '#services/checkout-rules.ts';
import { defineApi } from '#shared/web/api.ts';
import type { Door } from '#shared/web/door.ts';
import { type Call, endpoint, ok, type Tag } from '#shared/web/endpoint.ts';
import { Problem } from '#shared/web/problems.ts';

const checkoutTag: Tag = { name: 'Checkout', description: 'Buying with a card: what was looked at, in which order.' };
const params = { checkoutId: 'The id that the checkout was given.' };

export const checkoutApi = defineApi({
  view: checkoutView,
  commands: [abandon.route],
  load: [abandon.route],
  needs: participants,
  endpoints: (checkouts, door) => [
    endpoint('POST', '/v1/checkouts', {
      id: 'placeCheckout',
      tag: checkoutTag,
      summary: 'Buy what is in a basket with a card.',
      description:
        '201: decided, `approved` or `rejected`; a rejection is a normal outcome and says why. 202: not decided yet, see Location. 503: a service that is needed does not answer, and nothing is left of the checkout: a new try takes a new key. 504: that could not be made certain; `Location` is where to look, and the same key is the same checkout. The number and the code of the card are sealed for the two services that look at them, and kept nowhere.',
      access: 'token',
      body: checkoutBody,
      cardIn: 'creditCard',
      idempotent: true,
      example: exampleCheckout,
      headers: { 201: ['Location'], 202: ['Location'] },
      problems: ['unknown-product', 'overloaded'],
      answers: { 201: checkoutShape, 202: checkoutShape },
      async handle(call) {
        const answer = await door.submit(placingCheckout(call, door, checkouts));
        return answer.status === 202 ? undecided(answer, call, door, checkouts) : answer;
      },
    }),
    endpoint('GET', '/v1/checkouts/:checkoutId', {
      id: 'getCheckout',
      tag: checkoutTag,
      summary: 'How a checkout ended.',
      params,
      access: 'token',
      problems: ['not-found'],
      answers: { 200: checkoutShape },
      handle: async (call) => ok((await visible(checkouts, door, call)).checkout),
    }),
    endpoint('GET', '/v1/checkouts/:checkoutId/events', {
      id: 'listCheckoutEvents',
      tag: checkoutTag,
      summary: 'What happened, in the order in which it was heard of, each with its vector clock.',
      params,
      access: 'token',
      problems: ['not-found'],
      answers: { 200: z.array(eventShape) },
      handle: async (call) => ok((await visible(checkouts, door, call)).events.map(shownEvent)),
    }),
    endpoint('GET', '/v1/checkouts/:checkoutId/shiviz.log', {
      id: 'drawCheckout',
      tag: checkoutTag,
      summary: 'The same as a log that ShiViz draws.',
      params,
      access: 'token',
      problems: ['not-found'],
      produces: 'text/plain',
      answers: { 200: z.string() },
      handle: async (call) => ok(shivizLog((await visible(checkouts, door, call)).events)),
    }),
    endpoint('GET', '/v1/checkout-rules', {
      id: 'listCheckoutRules',
      tag: checkoutTag,
      summary: 'Every rule by which a checkout may be rejected.',
      access: 'token',
      answers: { 200: rulesShape },
      async handle() {
        const told = await Promise.all([door.lookUp(verificationRules, ''), door.lookUp(fraudRules, '')]);
        return ok({ items: told.flat().toSorted((a, b) => a.event.localeCompare(b.event)) });
      },
    }),
  ],
});

/** The checkout, or what was accepted of it while its service has not begun it. Throws not-found. */
async function visible(
  checkouts: CheckoutQueries,
  door: Door,
  { params: { checkoutId = '' }, caller }: Pick<Call, 'params' | 'caller'>,
): Promise<FoundCheckout> {
  const stored = await checkouts.find(checkoutId);
  const found = stored?.customerId === undefined ? await acceptedAs(door, checkoutId, stored) : stored;
  if (found?.customerId === undefined || !sees(caller, found.customerId))
    throw new Problem('not-found', 'there is no such checkout');
  return found;
}

/** Pending until a document says that it has begun, or never will. */
async function acceptedAs(
  door: Door,
  checkoutId: string,
  stored: FoundCheckout | undefined,
): Promise<FoundCheckout | undefined> {
  const request = await door.accepted(checkoutId);
  if (request?.kind !== 'checkout') return undefined;
  const pending = { checkout: request.accepted.body as CheckoutView, events: [], waitsFor: [] };
  return { ...pending, ...stored, customerId: request.customerId };
}
