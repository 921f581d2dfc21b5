import { z } from 'zod';
import { activateBody, activating, putting, removingPrice, settingPrice, strategyBody } from './changing.ts';
import { tried, tryBody } from './trying.ts';
import {
  putStrategy,
  supermarketCurrency,
  tryStrategy,
  supermarketId as supermarketField,
  type ProductOf,
} from './contract.ts';
import {
  ownPriceShape,
  pendingShape,
  priceShape,
  strategyPutShape,
  strategyShape,
  supermarketShape,
  triedShape,
} from './shapes.ts';
import { pricingView } from './view.ts';
import { sku as skuField } from '#services/fields.ts';
import { exactMoney } from '#services/money.ts';
import { defineApi } from '#shared/web/api.ts';
import { opened, sealed } from '#shared/web/cursors.ts';
import { answerLookup } from '#shared/web/lookup.ts';
import { type Call, endpoint, nothing, ok, type Tag } from '#shared/web/endpoint.ts';
import { page } from '#shared/web/parameters.ts';
import { Problem } from '#shared/web/problems.ts';
import { listOf } from '#shared/web/shapes.ts';
import { validate } from '#shared/web/validate.ts';

const pricingTag: Tag = {
  name: 'Pricing',
  description: 'Which price and which strategy a product has, in one supermarket or in all.',
};

const params = { sku: 'Of which product.' };
const ofSupermarket = z.strictObject({
  supermarket: supermarketField.optional().describe('Only there; absent: everywhere where nothing else is said.'),
});
type OfSupermarket = z.output<typeof ofSupermarket>;
const priceParams = { id: 'The supermarket.', sku: 'The product.' };

export const pricingApi = defineApi({
  view: pricingView,
  commands: [putStrategy.route],
  questions: [tryStrategy.route],
  endpoints: (pricing, door) => [
    endpoint('PUT', '/v1/pricing/strategies/:sku', {
      id: 'putStrategy',
      tag: pricingTag,
      summary: 'Price a product by this strategy from now on, as an operator.',
      description: '201: a text that it did not have; 200: it had it. It is compiled and tried first.',
      params,
      access: 'operator',
      query: ofSupermarket,
      body: strategyBody,
      problems: ['strategy-refused', 'breaker-open', 'outcome-unknown'],
      example: {
        name: 'buy one get one',
        source: 'export default ({ quantity, price }) => Math.ceil(quantity / 2) * price;',
      },
      headers: { 201: ['Location'], 202: ['Location'] },
      answers: { 200: strategyPutShape, 201: strategyPutShape, 202: pendingShape },
      handle: (call: Call<OfSupermarket, z.output<typeof strategyBody>>) =>
        door.submit(putting(productIn(call), call, door, pricing)),
    }),
    endpoint('GET', '/v1/pricing/strategies', {
      id: 'listStrategies',
      tag: pricingTag,
      summary: 'Strategies, active and former, by supermarket and SKU.',
      access: 'operator',
      query: page.extend(ofSupermarket.shape),
      answers: { 200: listOf(strategyShape) },
      async handle({ query: { limit, cursor, supermarket } }) {
        const scope = ['strategies', supermarket ?? null];
        const found = await pricing.list({ limit, ...opened(scope, cursor), supermarketId: supermarket });
        return ok(sealed(scope, found));
      },
    }),
    endpoint('GET', '/v1/pricing/strategies/:sku', {
      id: 'getStrategy',
      tag: pricingTag,
      summary: 'The strategy of a product, and those that it had.',
      params,
      access: 'operator',
      query: ofSupermarket,
      answers: { 200: strategyShape },
      async handle(call: Call<OfSupermarket>) {
        const product = productIn(call);
        const found = await pricing.strategies(product);
        if (found === undefined) throw new Problem('not-found', `${product.sku} never had a strategy there`);
        return ok(found);
      },
    }),
    endpoint('POST', '/v1/pricing/strategies/:sku/activate', {
      id: 'activateStrategy',
      tag: pricingTag,
      summary: 'Price a product by a version that it had, as an operator.',
      params,
      access: 'operator',
      query: ofSupermarket,
      body: activateBody,
      idempotent: true,
      example: { version: 'plain' },
      headers: { 202: ['Location'] },
      answers: { 200: strategyPutShape, 202: pendingShape },
      handle: (call: Call<OfSupermarket, z.output<typeof activateBody>>) =>
        door.submit(activating(productIn(call), call, door, pricing)),
    }),
    endpoint('POST', '/v1/pricing/strategies/:sku/try', {
      id: 'tryStrategy',
      tag: pricingTag,
      summary: 'What a text, or what prices the product now, would answer; nothing is changed.',
      description:
        'A product without a strategy is plain: quantity x price, version `plain`. One without a price and a strategy is unknown: 404.',
      params,
      access: 'operator',
      query: ofSupermarket,
      body: tryBody,
      problems: ['strategy-refused'],
      example: { cases: [{ quantity: 3, price: 311 }] },
      answers: { 200: triedShape },
      handle: (call: Call<OfSupermarket, z.output<typeof tryBody>>) => tried(productIn(call), call, door),
    }),
    endpoint('GET', '/v1/supermarkets', {
      id: 'listSupermarkets',
      tag: pricingTag,
      summary: 'Supermarkets that have a price or a strategy of their own.',
      access: 'token',
      query: page,
      answers: { 200: listOf(supermarketShape) },
      async handle({ query: { limit, cursor } }) {
        const scope = ['supermarkets'];
        return ok(sealed(scope, await pricing.supermarkets({ limit, ...opened(scope, cursor) })));
      },
    }),
    endpoint('GET', '/v1/supermarkets/:id/prices', {
      id: 'listSupermarketPrices',
      tag: pricingTag,
      summary: 'The prices of a supermarket that are not the catalogue’s.',
      params: { id: priceParams.id },
      access: 'token',
      query: page,
      answers: { 200: listOf(ownPriceShape) },
      async handle({ params: path, query: { limit, cursor } }) {
        const { id } = validate(z.object({ id: supermarketField }), path, 'path');
        const scope = ['supermarket-prices', id];
        return ok(sealed(scope, await pricing.prices(id, { limit, ...opened(scope, cursor) })));
      },
    }),
    endpoint('PUT', '/v1/supermarkets/:id/prices/:sku', {
      id: 'setSupermarketPrice',
      tag: pricingTag,
      summary: 'Give a product a price of this supermarket, as an operator.',
      description: 'It counts instead of the catalogue’s. The strategy stays as it is.',
      params: priceParams,
      access: 'operator',
      body: exactMoney,
      problems: ['breaker-open', 'outcome-unknown'],
      example: { amount: 311, currency: 'EUR' },
      headers: { 202: ['Location'] },
      answers: { 200: priceShape, 202: pendingShape },
      handle: (call) => door.submit(settingPrice(ownProduct(call), call.body, call, door, pricing)),
    }),
    endpoint('DELETE', '/v1/supermarkets/:id/prices/:sku', {
      id: 'removeSupermarketPrice',
      tag: pricingTag,
      summary: 'Let the catalogue’s price count again, as an operator.',
      params: priceParams,
      access: 'operator',
      problems: ['breaker-open', 'outcome-unknown'],
      headers: { 202: ['Location'] },
      answers: { 202: pendingShape, 204: nothing },
      handle: (call) => door.submit(removingPrice(ownProduct(call), call, door, pricing)),
    }),
  ],
  lookups: (pricing) => [answerLookup(supermarketCurrency, (id) => pricing.currencyOf(id))],
});

function productIn({ params: path, query }: Pick<Call<OfSupermarket>, 'params' | 'query'>): ProductOf {
  const { sku } = validate(z.object({ sku: skuField }), path, 'path');
  return { sku, ...(query.supermarket !== undefined && { supermarketId: query.supermarket }) };
}

function ownProduct({ params: path }: Pick<Call, 'params'>) {
  const { id, sku } = validate(z.object({ id: supermarketField, sku: skuField }), path, 'path');
  return { supermarketId: id, sku };
}
