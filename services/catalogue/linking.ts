import { z } from 'zod';
import { pendingProduct } from './changing.ts';
import * as contract from './contract.ts';
import { MAX_CATEGORIES } from './links.ts';
import type { ProductQueries, ProductView } from './view.ts';
import { categoryId, existingCategories } from '#services/category/contract.ts';
import { sku } from '#services/fields.ts';
import { composed, submissionOf } from '#services/submitting.ts';
import type { CommandType } from '#shared/message.ts';
import type { Door } from '#shared/web/door.ts';
import { type Answer, type Call, endpoint, type Endpoint, noContent, nothing, type Tag } from '#shared/web/endpoint.ts';
import { Problem } from '#shared/web/problems.ts';
import { shape } from '#shared/web/shapes.ts';

const names = z.object({ sku, categoryId });

const pending = shape({
  sku: z.string().describe('The product.'),
  state: z.literal('pending').describe('It was not decided in time: the product tells what became of it.'),
});
const params = { sku: 'The SKU of the product.', id: 'The id of the category.' };

/** Putting a product into a category, and out of it; both may be asked again. */
export function linkEndpoints(tag: Tag, products: ProductQueries, door: Door): readonly Endpoint[] {
  const common = {
    tag,
    params,
    access: 'operator' as const,
    problems: ['invalid-transition', 'breaker-open', 'outcome-unknown'] as const,
    headers: { 202: ['Location'] as const },
    answers: { 202: pending, 204: nothing },
  };
  return [
    endpoint('PUT', '/v1/products/:sku/categories/:id', {
      ...common,
      id: 'linkCategory',
      summary: 'Put a product into a category, as an operator.',
      description: 'Twice is once. The product keeps its version.',
      async handle(call) {
        const named = namedBy(call);
        const linked = (await products.categoriesOf([named.sku])).get(named.sku);
        if (linked === undefined) throw new Problem('not-found', 'there is no such product');
        const existing = new Set(await door.lookUp(existingCategories, [...linked, named.categoryId]));
        if (!existing.has(named.categoryId)) throw new Problem('not-found', 'there is no such category');
        const gone = linked.filter((id) => !existing.has(id));
        return submitted(contract.link, { ...named, gone }, call, door, products);
      },
    }),
    endpoint('DELETE', '/v1/products/:sku/categories/:id', {
      ...common,
      id: 'unlinkCategory',
      summary: 'Take a product out of a category, as an operator.',
      description: 'Of one that it is not in, too. The product keeps its version.',
      handle: async (call) => submitted(contract.unlink, namedBy(call), call, door, products),
    }),
  ];
}

/** These products, each with those of its categories that there are. */
export async function withCategories(
  shown: readonly ProductView[],
  products: ProductQueries,
  { lookUp }: Door,
): Promise<readonly ProductView[]> {
  const linked = await products.categoriesOf(shown.map(({ sku }) => sku));
  const ids = [...new Set([...linked.values()].flat())];
  if (ids.length === 0) return shown;
  const existing = new Set(await lookUp(existingCategories, ids));
  return shown.map((product) => {
    const categories = (linked.get(product.sku) ?? []).filter((id) => existing.has(id));
    return categories.length === 0 ? product : { ...product, categories };
  });
}

/** A path may say anything; of what is no name there is nothing. */
function namedBy({ params: path }: Pick<Call, 'params'>): { readonly sku: string; readonly categoryId: string } {
  const named = names.safeParse({ sku: path['sku'], categoryId: path['id'] });
  if (!named.success) throw new Problem('not-found', 'there is no such product or category');
  return named.data;
}

async function submitted<Body extends { readonly sku: string }>(
  command: CommandType<Body>,
  body: NoInfer<Body>,
  call: Call,
  door: Door,
  products: ProductQueries,
): Promise<Answer> {
  const { sku } = body;
  return door.submit({
    ...submissionOf(command, call),
    same: body,
    compose: () => composed(command, { body, accepted: pendingProduct(sku) }, call, door),
    async outcome({ message }) {
      const answer = await products.outcome(sku, message.id);
      if (answer?.type !== contract.linkRefused.name) return answer && noContent;
      const { reason } = contract.linkRefused.body.parse(answer.body);
      if (reason === 'unknown_product') throw new Problem('not-found', 'there is no such product');
      throw new Problem('invalid-transition', `a product is in ${MAX_CATEGORIES} categories at most`, {
        members: { reason },
      });
    },
  });
}
