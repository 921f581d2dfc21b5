import { z } from 'zod';
import { pricedBasket } from './asking.ts';
import { checkingOut, checkoutBody, putting, removing } from './changing.ts';
import { price, setItem, type BasketOf } from './contract.ts';
import { anyId, itemsField } from './counting.ts';
import { contentShape, keptShape, orderedShape, pendingShape, pricedShape } from './shapes.ts';
import { basketView } from './view.ts';
import { requireCustomer } from '#services/access.ts';
import { customerId, quantity, sku as skuField } from '#services/fields.ts';
import { supermarketId } from '#services/pricing/contract.ts';
import { defineApi } from '#shared/web/api.ts';
import { type Call, endpoint, nothing, ok, type Tag } from '#shared/web/endpoint.ts';
import { Problem } from '#shared/web/problems.ts';
import { validate } from '#shared/web/validate.ts';

const basketsTag: Tag = { name: 'Baskets', description: 'What a basket costs, and baskets that are kept.' };

const oneShot = z.strictObject({
  supermarketId: anyId.pipe(supermarketId).describe('Where; text or a whole number.'),
  userId: anyId.pipe(customerId).describe('For whom; text or a whole number. A customer can only ask for itself.'),
  items: itemsField.describe(
    'SKUs, objects with SKU and quantity, or both; at most 20,000. Their order never matters.',
  ),
});
const itemBody = z.strictObject({ quantity: quantity.describe('How many of it, instead of how many there were.') });
const owner = z.object({ supermarketId, userId: customerId });
const ownerParams = { supermarketId: 'The supermarket.', userId: 'Whose basket.' };
const itemParams = { ...ownerParams, sku: 'The product.' };
const priceProblems = ['unknown-product', 'strategy-failed', 'pricing-timeout', 'breaker-open'] as const;

export const basketApi = defineApi({
  view: basketView,
  commands: [setItem.route],
  questions: [price.route],
  load: [setItem.route],
  endpoints: (baskets, door) => [
    endpoint('POST', '/v1/baskets/price', {
      id: 'priceBasket',
      tag: basketsTag,
      summary: 'What these items cost now; nothing is kept.',
      description: 'Every product is priced by its own price server. No total is given when one of them has no price.',
      access: 'token',
      body: oneShot,
      problems: [...priceProblems],
      example: { supermarketId: 'north', userId: 'alice', items: ['GR1', 'SR1', { sku: 'GR1', quantity: 1 }] },
      answers: { 200: pricedShape },
      async handle(call: Call<unknown, z.output<typeof oneShot>>) {
        const { items, ...basket } = call.body;
        requireCustomer(call.caller, basket.userId);
        const { traceId } = call.trace;
        return ok({ ...(await pricedBasket(basket, items, call, door)), traceId });
      },
    }),
    endpoint('GET', '/v1/baskets/:supermarketId/:userId', {
      id: 'getBasket',
      tag: basketsTag,
      summary: 'What is in a basket, and what it costs now.',
      params: ownerParams,
      access: 'token',
      problems: [...priceProblems],
      answers: { 200: keptShape },
      async handle(call) {
        const basket = ownBasket(call);
        const priced = await pricedBasket(basket, await baskets.items(basket), call, door);
        return ok({ ...basket, ...priced, traceId: call.trace.traceId });
      },
    }),
    endpoint('PUT', '/v1/baskets/:supermarketId/:userId/items/:sku', {
      id: 'putBasketItem',
      tag: basketsTag,
      summary: 'Put so many of a product into a basket.',
      params: itemParams,
      access: 'token',
      body: itemBody,
      problems: ['unknown-product', 'invalid-transition', 'breaker-open', 'outcome-unknown'],
      example: { quantity: 2 },
      headers: { 202: ['Location'] },
      answers: { 200: contentShape, 202: pendingShape },
      async handle(call: Call<unknown, z.output<typeof itemBody>>) {
        const basket = ownBasket(call);
        const item = { sku: call.params['sku'] ?? '', quantity: call.body.quantity };
        try {
          await pricedBasket(basket, [item], call, door);
        } catch (error) {
          // What can not be priced for the moment may be put into it.
          if (!(error instanceof Problem) || ['unknown-product', 'validation'].includes(error.slug)) throw error;
        }
        return door.submit(putting(basket, item, call, door, baskets));
      },
    }),
    endpoint('DELETE', '/v1/baskets/:supermarketId/:userId/items/:sku', {
      id: 'removeBasketItem',
      tag: basketsTag,
      summary: 'Take a product out of a basket.',
      params: itemParams,
      access: 'token',
      problems: ['breaker-open', 'outcome-unknown'],
      headers: { 202: ['Location'] },
      answers: { 202: pendingShape, 204: nothing },
      handle: async (call) => door.submit(removing(ownBasket(call), skuOf(call), call, door, baskets)),
    }),
    endpoint('DELETE', '/v1/baskets/:supermarketId/:userId', {
      id: 'emptyBasket',
      tag: basketsTag,
      summary: 'Take everything out of a basket.',
      params: ownerParams,
      access: 'token',
      problems: ['breaker-open', 'outcome-unknown'],
      headers: { 202: ['Location'] },
      answers: { 202: pendingShape, 204: nothing },
      handle: async (call) => door.submit(removing(ownBasket(call), undefined, call, door, baskets)),
    }),
    endpoint('POST', '/v1/baskets/:supermarketId/:userId/checkout', {
      id: 'checkOutBasket',
      tag: basketsTag,
      summary: 'Order what is in a basket, at what it shows.',
      description: 'No later change of a price or a strategy changes the order. What was ordered leaves the basket.',
      params: ownerParams,
      access: 'token',
      body: checkoutBody,
      idempotent: true,
      problems: [...priceProblems, 'invalid-transition', 'overloaded'],
      headers: { 202: ['Location'] },
      example: { email: 'alice@example.org' },
      answers: { 202: orderedShape },
      async handle(call: Call<unknown, z.output<typeof checkoutBody>>) {
        const basket = ownBasket(call);
        const priced = async () => pricedBasket(basket, await baskets.items(basket), call, door);
        return door.submit(checkingOut(basket, priced, call, door, baskets));
      },
    }),
  ],
});

/** The basket that the path names, which must be the caller's own. */
function ownBasket({ params, caller }: Pick<Call, 'params' | 'caller'>): BasketOf {
  const basket = validate(owner, params, 'path');
  requireCustomer(caller, basket.userId);
  return basket;
}

function skuOf({ params }: Pick<Call, 'params'>): string {
  return validate(z.object({ sku: skuField }), params, 'path').sku;
}
