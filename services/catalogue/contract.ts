import { z } from 'zod';
import { epochMs, messageId, sku, textOf, wordOf } from '#services/fields.ts';
import { type Money, money } from '#services/money.ts';
import { categoryId } from '#services/category/contract.ts';
import { onHand } from '#services/stock/contract.ts';
import type { AuditedKind } from '#shared/audited-thing.ts';
import { command, event } from '#shared/message.ts';
import { lookup } from '#shared/web/lookup.ts';

/** Of a name: 200 characters as people count them may each be an emoji of many parts. */
const MAX_NAME_BYTES = 8000;
const MAX_DESCRIPTION_BYTES = 4000;

/** As far as the bus is concerned; the HTTP door also counts its characters. */
export const productName = textOf(MAX_NAME_BYTES);
export const description = textOf(MAX_DESCRIPTION_BYTES, { lines: true });
/** Of a product: every change is one more. */
export const version = z.int().min(0);

const content = { name: productName, description: description.exactOptional(), price: money };
const changed = { sku, version, createdAt: epochMs, updatedAt: epochMs };

export const created = event('catalogue.created', z.object(changed));
export const createRefused = event('catalogue.create-refused', z.object({ sku, reason: wordOf(['product_exists']) }));
/** A SKU that was deleted may be created again. Its stock is opened with `initialStock`, or with none. */
export const create = command('catalogue.create', {
  body: z.object({ sku, ...content, initialStock: onHand.optional() }),
  key: (body) => body.sku,
  done: created,
  refused: createRefused,
});

/** `version`: the current one, where there is a product. */
const refusal = { sku, version: version.optional() };

export const updated = event('catalogue.updated', z.object(changed));
export const updateRefused = event(
  'catalogue.update-refused',
  z.object({ ...refusal, reason: wordOf(['unknown_product', 'stale', 'deleting']) }),
);
/** The whole content instead of what there is, if the product still has this version; without one whichever it has. */
export const update = command('catalogue.update', {
  body: z.object({ sku, version: version.optional(), ...content }),
  key: (body) => body.sku,
  done: updated,
  refused: updateRefused,
});

/** Its stock is being closed; `deletion` names this, and the product says how it ended. */
export const deleting = event('catalogue.deleting', z.object({ sku, deletion: messageId }));
export const deleteRefused = event(
  'catalogue.delete-refused',
  z.object({ ...refusal, reason: wordOf(['unknown_product', 'stale']) }),
);
/** Deletes the product if it still has this version and nothing of it is reserved: the stock decides that. */
export const remove = command('catalogue.delete', {
  body: z.object({ sku, version: version.optional() }),
  key: (body) => body.sku,
  done: deleting,
  refused: deleteRefused,
});

export const linked = event('catalogue.linked', z.object({ sku }));
export const linkRefused = event(
  'catalogue.link-refused',
  z.object({ sku, reason: wordOf(['unknown_product', 'too_many']) }),
);
/** Puts the product into a category, once. `gone`: those of its categories that there are no more, whose links go. */
export const link = command('catalogue.link', {
  body: z.object({ sku, categoryId, gone: z.array(categoryId).max(100).readonly() }),
  key: (body) => body.sku,
  done: linked,
  refused: linkRefused,
});
/** Takes the product out of a category, if it is in it. */
export const unlink = command('catalogue.unlink', {
  body: z.object({ sku, categoryId }),
  key: (body) => body.sku,
  done: linked,
  refused: linkRefused,
});

/** What an order needs to know of a product. */
export interface OfferedProduct {
  readonly sku: string;
  readonly name: string;
  readonly price: Money;
}

/** The products that there are now of these SKUs, in any order. */
export const products = lookup<readonly OfferedProduct[], readonly string[]>('catalogue.products');

/** Other products than these, first those of a category that one of these is in, each part in the order of names. */
export const alikeProducts = lookup<
  readonly OfferedProduct[],
  { readonly skus: readonly string[]; readonly limit: number }
>('catalogue.alike');

/** What products, and the stock of them, are audited as. */
export const skus: AuditedKind = { name: 'skus', id: 'sku' };
