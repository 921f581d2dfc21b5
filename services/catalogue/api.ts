import { z } from 'zod';
import { alike } from './alike.ts';
import { withCategories, linkEndpoints } from './linking.ts';
import { createBody, creating, deleting, updateBody, updating } from './changing.ts';
import { alikeProducts, create, products as offeredProducts } from './contract.ts';
import { sku } from '#services/fields.ts';
import { productShape, type ProductQueries, productView } from './view.ts';
import { categoryId, existingCategories } from '#services/category/contract.ts';
import { defineApi } from '#shared/web/api.ts';
import { opened, sealed } from '#shared/web/cursors.ts';
import { type Answer, type Call, endpoint, nothing, type Tag } from '#shared/web/endpoint.ts';
import type { Door } from '#shared/web/door.ts';
import { answerLookup } from '#shared/web/lookup.ts';
import { cursor, limit } from '#shared/web/parameters.ts';
import { etagOf } from '#shared/web/preconditions.ts';
import { Problem } from '#shared/web/problems.ts';
import { listOf, shape } from '#shared/web/shapes.ts';

const productsTag: Tag = { name: 'Products', description: 'What is sold, and at which price.' };

const listProducts = z.strictObject({
  limit,
  cursor,
  category: categoryId.optional().describe('Only products that are in this category, by its id.'),
  q: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Only products whose name begins so; case, accents and needless spaces do not count.'),
});

const pending = shape({
  sku: z.string().describe('The product.'),
  state: z.literal('pending').describe('It was not decided in time: the product tells what became of it.'),
});
const params = { sku: 'The SKU of the product.' };

export const catalogueApi = defineApi({
  view: productView,
  commands: [create.route],
  endpoints: (products, door) => [
    endpoint('POST', '/v1/products', {
      id: 'createProduct',
      tag: productsTag,
      summary: 'Create a product, as an operator.',
      description: '201: it is there, and so is its stock; 202: not yet, see Location.',
      access: 'operator',
      body: createBody,
      idempotent: true,
      problems: ['product-exists'],
      headers: { 201: ['Location', 'ETag'], 202: ['Location'] },
      example: {
        sku: 'tea',
        name: 'Darjeeling, first flush',
        price: { amount: 899, currency: 'EUR' },
        initialStock: 100,
      },
      answers: { 201: productShape, 202: pending },
      handle: (call) => door.submit(creating(call, door, products)),
    }),
    endpoint('GET', '/v1/products', {
      id: 'listProducts',
      tag: productsTag,
      summary: 'Products in the order of their names.',
      access: 'token',
      query: listProducts,
      answers: { 200: listOf(productShape) },
      handle: (call) => list(products, door, call),
    }),
    endpoint('GET', '/v1/products/:sku', {
      id: 'getProduct',
      tag: productsTag,
      summary: 'One product.',
      params,
      access: 'token',
      headers: { 200: ['ETag'] },
      answers: { 200: productShape },
      handle: (call) => one(products, door, skuOf(call)),
    }),
    endpoint('PUT', '/v1/products/:sku', {
      id: 'updateProduct',
      tag: productsTag,
      summary: 'Change a product, as an operator.',
      description: 'The body is the whole content. Orders that were accepted before keep their price.',
      params,
      access: 'operator',
      body: updateBody,
      ifMatch: true,
      problems: ['invalid-transition', 'breaker-open', 'outcome-unknown'],
      headers: { 200: ['Location', 'ETag'], 202: ['Location'] },
      example: { name: 'Darjeeling, second flush', price: { amount: 799, currency: 'EUR' } },
      answers: { 200: productShape, 202: pending },
      handle: async (call) => door.submit(updating(skuOf(call), call, door, products)),
    }),
    endpoint('DELETE', '/v1/products/:sku', {
      id: 'deleteProduct',
      tag: productsTag,
      summary: 'Delete a product and its stock, as an operator.',
      description: 'Orders of the past keep their lines. 202: not decided yet, see Location.',
      params,
      access: 'operator',
      ifMatch: true,
      problems: ['product-reserved', 'breaker-open', 'outcome-unknown'],
      headers: { 202: ['Location'] },
      answers: { 202: pending, 204: nothing },
      handle: (call) => door.submit(deleting(skuOf(call), call, door, products)),
    }),
    ...linkEndpoints(productsTag, products, door),
  ],
  lookups: (products) => [
    answerLookup(offeredProducts, (skus) => products.offered(skus)),
    answerLookup(alikeProducts, ({ skus, limit: most }) => alike(products, skus, most)),
  ],
});

async function list(
  products: ProductQueries,
  door: Door,
  { query }: Call<z.output<typeof listProducts>>,
): Promise<Answer> {
  const { limit: size, cursor: after, q, category } = query;
  const scope = ['products', q, category];
  const asked = { q, category, limit: size, ...opened(scope, after) };
  const isThere = category === undefined || (await door.lookUp(existingCategories, [category])).length > 0;
  const { items, ...rest } = isThere ? await products.list(asked) : { items: [] };
  return { status: 200, body: sealed(scope, { items: await withCategories(items, products, door), ...rest }) };
}

async function one(products: ProductQueries, door: Door, sku: string): Promise<Answer> {
  const product = await products.find(sku);
  if (product === undefined) throw new Problem('not-found', 'there is no such product');
  const [body = product] = await withCategories([product], products, door);
  return { status: 200, headers: { ETag: etagOf(product.version) }, body };
}

/** A path may say anything; of what is no SKU there is no product. */
function skuOf({ params: path }: Pick<Call, 'params'>): string {
  const named = sku.safeParse(path['sku']);
  if (!named.success) throw new Problem('not-found', 'there is no such product');
  return named.data;
}
