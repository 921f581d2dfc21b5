import { skus } from './contract.ts';
import { productsCollection } from './model.ts';
import { type AuditedProduct, auditedProducts } from './view.ts';
import { stockIsKept } from '#services/stock/contract.ts';
import { defineAudit, found } from '#shared/audit-rule.ts';
import type { AuditAt, AuditedThing } from '#shared/audited-thing.ts';

/** Of every product exactly one stock item is kept, and none of what is no product. */
export const catalogueAudit = defineAudit({
  of: skus,
  reads: 'last',
  rows: auditedProducts,
  about: ({ sku }) => sku,
  document: ({ sku }) => `${productsCollection}/${sku}`,
  checks: ['one-stock', 'hanging'],
  tells: ([product]) =>
    product === undefined || product.status === 'deleted' ? {} : { exists: true, updatedAt: product.updatedAt },
  check: ([product], thing, at) => [
    ...found('one-stock', oneStock(product, thing)),
    ...found('hanging', hanging(product, at)),
  ],
});

function oneStock(product: AuditedProduct | undefined, { exists, told }: AuditedThing): readonly string[] {
  const isKept = told(stockIsKept) ?? false;
  // What is being asked of the stock it may have done or not.
  if (product?.asked !== undefined || isKept === exists) return [];
  return [exists ? 'there is no stock item of this product' : 'there is a stock item, and no such product'];
}

function hanging(product: AuditedProduct | undefined, { now, hangingAfterMs }: AuditAt): readonly string[] {
  if (product?.asked === undefined) return [];
  const { what, askedAt } = product.asked;
  if (now - askedAt <= hangingAfterMs) return [];
  return [`its stock was asked to ${what}, and has not answered for ${now - askedAt} ms`];
}
