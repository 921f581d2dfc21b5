import { z } from 'zod';
import * as contract from './contract.ts';
import type { ProductOf } from './contract.ts';
import { productOf } from './pricing.ts';
import { placeIn } from './scripts/contract.ts';
import type { PricingQueries } from './view.ts';
import type { Money } from '#services/money.ts';
import { composed, submissionOf } from '#services/submitting.ts';
import type { CommandType } from '#shared/message.ts';
import type { Door, Submission } from '#shared/web/door.ts';
import { type Answer, type Call, noContent } from '#shared/web/endpoint.ts';
import { Problem } from '#shared/web/problems.ts';

type Asking = Pick<Call, 'caller' | 'trace' | 'idempotencyKey'>;
type Answered = (answer: { readonly type: string; readonly body: unknown }) => Answer | undefined;

export const strategyBody = z.strictObject({
  source: contract.strategySource
    .refine((text) => Buffer.byteLength(text) <= contract.MAX_SOURCE_BYTES, 'must be at most 64 KB of UTF-8')
    .describe('A script whose default export computes an amount; at most 64 KB.'),
  name: contract.strategyName
    .exactOptional()
    .describe('What people call it; without one it keeps its own, or gets one.'),
});
export const activateBody = z.strictObject({
  version: contract.strategyVersion.describe('One that it had, or `plain`.'),
});

/** Another strategy for a product. */
export function putting(
  product: ProductOf,
  { body, ...call }: Call<unknown, z.output<typeof strategyBody>>,
  door: Door,
  pricing: PricingQueries,
): Submission {
  const command = { ...productOf(product), ...body, by: call.caller.subject };
  return asking(contract.putStrategy, command, call, door, pricing, ({ type, body: answer }) => {
    if (type === contract.strategyRefused.name) {
      const refused = contract.strategyRefused.body.parse(answer);
      throw new Problem('strategy-refused', refused.detail, { members: { sku: product.sku, ...placeIn(refused) } });
    }
    return strategyAnswer(type, answer);
  });
}

/** A version that the product had before. */
export function activating(
  product: ProductOf,
  { body: { version }, ...call }: Call<unknown, z.output<typeof activateBody>>,
  door: Door,
  pricing: PricingQueries,
): Submission {
  const command = { ...productOf(product), version, by: call.caller.subject };
  return asking(contract.activate, command, call, door, pricing, ({ type, body }) => {
    if (type === contract.activateRefused.name)
      throw new Problem('not-found', `${product.sku} never had this version, or not lately`, { members: { version } });
    return strategyAnswer(type, body);
  });
}

export function settingPrice(
  product: Required<ProductOf> & { readonly supermarketId: string },
  price: Money,
  call: Asking,
  door: Door,
  pricing: PricingQueries,
): Submission {
  const command = { ...product, price, by: call.caller.subject };
  return asking(contract.setPrice, command, call, door, pricing, ({ type, body }) =>
    type === contract.priceSet.name ? { status: 200, body: contract.priceSet.body.parse(body) } : undefined,
  );
}

export function removingPrice(
  product: Required<ProductOf> & { readonly supermarketId: string },
  call: Asking,
  door: Door,
  pricing: PricingQueries,
): Submission {
  const command = { ...product, by: call.caller.subject };
  return asking(contract.removePrice, command, call, door, pricing, ({ type }) =>
    type === contract.priceRemoved.name ? noContent : undefined,
  );
}

function asking<Body extends ProductOf>(
  command: CommandType<Body>,
  body: NoInfer<Body>,
  call: Asking,
  door: Door,
  pricing: PricingQueries,
  answered: Answered,
): Submission {
  const location = { Location: pathOf(command.name, body) };
  return {
    ...submissionOf(command, call),
    same: body,
    compose() {
      const accepted = { status: 202, headers: location, body: { sku: body.sku, state: 'pending' } };
      return composed(command, { body, accepted }, call, door);
    },
    async outcome({ message }) {
      const answer = await pricing.outcome(message.key, message.id);
      const given = answer && answered(answer);
      return given?.status === 201 ? { ...given, headers: location } : given;
    },
  };
}

/** Where it is read what became of it. */
function pathOf(command: string, { supermarketId, sku }: ProductOf): string {
  const where = encodeURIComponent(supermarketId ?? '');
  if (command === contract.setPrice.name || command === contract.removePrice.name)
    return `/v1/supermarkets/${where}/prices`;
  const path = `/v1/pricing/strategies/${encodeURIComponent(sku)}`;
  return supermarketId === undefined ? path : `${path}?supermarket=${where}`;
}

function strategyAnswer(type: string, body: unknown): Answer | undefined {
  if (type !== contract.strategyPut.name) return undefined;
  const { sku, supermarketId, name, version, isNew, since, warnings } = contract.strategyPut.body.parse(body);
  return {
    status: isNew ? 201 : 200,
    body: {
      sku,
      ...(supermarketId !== undefined && { supermarket: supermarketId }),
      name,
      version,
      since: new Date(since).toISOString(),
      ...(warnings && { warnings }),
    },
  };
}
