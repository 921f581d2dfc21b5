import type { Connection } from 'mongoose';
import { stockIsKept } from './contract.ts';
import { stockCollection, type StoredItem } from './model.ts';
import { skus } from '#services/catalogue/contract.ts';
import { defineAudit, found } from '#shared/audit-rule.ts';
import { telling } from '#shared/audited-thing.ts';
import { documentsById, type Source } from '#shared/database/pages.ts';

interface AuditedItem {
  readonly sku: string;
  readonly isKept: boolean;
  readonly onHand: number;
  readonly reserved: number;
}

function auditedItems(db: Connection): Source<AuditedItem> {
  return documentsById<StoredItem, AuditedItem>(db, {
    collection: stockCollection,
    fields: { 'state.status': 1, 'state.onHand': 1, 'state.reserved': 1 },
    row: ({ _id: sku, state }) =>
      state && { sku, isKept: state.status === 'open', onHand: state.onHand, reserved: state.reserved },
  });
}

/** Nothing is sold or reserved that there is not. */
export const stockAudit = defineAudit({
  of: skus,
  rows: auditedItems,
  about: ({ sku }) => sku,
  document: ({ sku }) => `${stockCollection}/${sku}`,
  checks: ['stock-level'],
  tells: ([item]) => ({ facts: [telling(stockIsKept, item?.isKept ?? false)] }),
  check: ([item]) => found('stock-level', item === undefined ? [] : level(item)),
});

function level({ onHand, reserved }: AuditedItem): readonly string[] {
  return onHand >= 0 && reserved >= 0 && reserved <= onHand ? [] : [`${reserved} of ${onHand} on hand are reserved`];
}
