import { z } from 'zod';
import * as contract from './contract.ts';
import { type ProductQueries, type ProductView, shownAs } from './view.ts';
import { sku as anySku } from '#services/fields.ts';
import { exactMoney } from '#services/money.ts';
import * as stock from '#services/stock/contract.ts';
import { composed, submissionOf } from '#services/submitting.ts';
import type { CommandType } from '#shared/message.ts';
import type { AcceptedRequest, Composed, Door, Submission } from '#shared/web/door.ts';
import { type Answer, type Call, noContent } from '#shared/web/endpoint.ts';
import { etagOf, stale, versionOf } from '#shared/web/preconditions.ts';
import { invalid, Problem } from '#shared/web/problems.ts';

const MAX_NAME_CHARACTERS = 200;
const characters = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** As people count them: an emoji of many parts is one. */
function isShort(name: string): boolean {
  return name.length <= MAX_NAME_CHARACTERS || [...characters.segment(name)].length <= MAX_NAME_CHARACTERS;
}

const content = {
  name: contract.productName
    .refine(isShort, `must be at most ${MAX_NAME_CHARACTERS} characters`)
    .describe('1 to 200 characters as people count them, of any script; no control characters.'),
  description: contract.description.exactOptional().describe('At most 4000 bytes; it may have several lines.'),
  price: exactMoney.describe('Of one; it may be 0.'),
};

/** Neither may stand in a path for itself. */
const sku = anySku.refine((text) => text !== '.' && text !== '..', 'must not be . or ..');

export const createBody = z.strictObject({
  sku: sku.exactOptional().describe('Names the product for ever; without one it gets one.'),
  ...content,
  initialStock: stock.onHand.exactOptional().describe('How many there are at first; 0 unless said.'),
});
export const updateBody = z.strictObject({
  sku: anySku.exactOptional().describe('That of the path, if any.'),
  ...content,
});

type Changed = z.output<typeof contract.created.body>;
type Asking = Pick<Call, 'caller' | 'trace' | 'idempotencyKey' | 'ifMatch'>;

/** A new product. The answer waits until its stock is kept too, so that the next reader finds it. */
export function creating(
  { body, ...call }: Call<unknown, z.output<typeof createBody>>,
  door: Door,
  products: ProductQueries,
): Submission {
  return {
    ...submissionOf(contract.create, call),
    needs: [contract.create.route, stock.open.route],
    same: body,
    compose: () => asking(contract.create, { ...body, sku: body.sku ?? door.clock.id() }, call, door),
    async outcome(request) {
      const asked = askedWith(contract.create, request);
      const answer = await products.outcome(asked.sku, request.message.id);
      if (answer?.type === contract.createRefused.name)
        throw new Problem('product-exists', `there is a product with the SKU ${asked.sku}`, {
          members: { sku: asked.sku },
        });
      if (answer?.type !== contract.created.name) return undefined;
      if ((await door.lookUp(stock.stockItem, asked.sku)) === undefined) return undefined;
      return { ...changedTo(asked, contract.created.body.parse(answer.body)), status: 201 };
    },
  };
}

/** Other content for a product. */
export function updating(
  sku: string,
  { body: { sku: stated = sku, ...body }, ...call }: Call<unknown, z.output<typeof updateBody>>,
  door: Door,
  products: ProductQueries,
): Submission {
  if (stated !== sku) throw invalid([{ pointer: '/sku', detail: 'must be the SKU of the path', in: 'body' }]);
  const command = { sku, ...body, ...versionOf(call.ifMatch) };
  return {
    ...submissionOf(contract.update, call),
    same: command,
    compose: () => asking(contract.update, command, call, door),
    async outcome(request) {
      const answer = await products.outcome(sku, request.message.id);
      if (answer?.type === contract.updateRefused.name) throw refusalOf(contract.updateRefused.body.parse(answer.body));
      if (answer?.type !== contract.updated.name) return undefined;
      return changedTo(askedWith(contract.update, request), contract.updated.body.parse(answer.body));
    },
  };
}

/** The end of a product. The answer waits for the stock, which says whether anything is reserved. */
export function deleting(sku: string, call: Asking, door: Door, products: ProductQueries): Submission {
  const command = { sku, ...versionOf(call.ifMatch) };
  return {
    ...submissionOf(contract.remove, call),
    needs: [contract.remove.route, stock.close.route],
    same: command,
    compose: () => asking(contract.remove, command, call, door),
    async outcome({ message }) {
      const answer = await products.outcome(sku, message.id);
      if (answer?.type === contract.deleteRefused.name) throw refusalOf(contract.deleteRefused.body.parse(answer.body));
      if (answer?.type !== contract.deleting.name) return undefined;
      const end = await products.deletion(sku, contract.deleting.body.parse(answer.body).deletion);
      if (end === undefined || end.deleted) return end && noContent;
      const { reserved, openOrders } = end;
      throw new Problem('product-reserved', `${reserved} are reserved for ${openOrders} orders`, {
        members: { reserved, openOrders },
      });
    },
  };
}

function asking<Body extends { readonly sku: string }>(
  command: CommandType<Body>,
  body: NoInfer<Body>,
  call: Asking,
  door: Door,
): Composed {
  return composed(command, { body, accepted: pendingProduct(body.sku) }, call, door);
}

/** What is told of a change that was not decided in time. */
export function pendingProduct(sku: string): Answer {
  return { status: 202, headers: { Location: productPath(sku) }, body: { sku, state: 'pending' } };
}

/** What was asked, as it was first: not what a repeated request would ask now. */
function askedWith<Body>(command: CommandType<Body>, { message }: Pick<AcceptedRequest, 'message'>): Body {
  return command.body.parse(message.body);
}

function changedTo(asked: Pick<ProductView, 'name' | 'description' | 'price'>, changed: Changed): Answer {
  const { sku: product, version } = changed;
  return {
    status: 200,
    headers: { Location: productPath(product), ETag: etagOf(version) },
    body: shownAs({ ...asked, ...changed }),
  };
}

function refusalOf({ reason, version }: { readonly reason: string; readonly version?: number | undefined }): Problem {
  if (reason === 'unknown_product') return new Problem('not-found', 'there is no such product');
  if (reason === 'stale' && version !== undefined) return stale(version);
  return new Problem('invalid-transition', `the product can not be changed: ${reason}`, { members: { reason } });
}

export function productPath(sku: string): string {
  return `/v1/products/${encodeURIComponent(sku)}`;
}
