import test from 'ava';
import { createGroup } from '#services/audit/group.ts';
import { catalogueAudit } from '#services/catalogue/audit.ts';
import { skus } from '#services/catalogue/contract.ts';
import { stockAudit } from '#services/stock/audit.ts';

const asked = (askedAt: number) => ({ asked: { what: 'open', askedAt } }) as const;
const active = { sku: 'tea', status: 'active', updatedAt: 1 } as const;
const deleted = { sku: 'tea', status: 'deleted' } as const;
const kept = { sku: 'tea', isKept: true, onHand: 0, reserved: 0, movements: 0, open: 0, riding: [] };
const closed = { ...kept, isKept: false };

/** What is found of a SKU whose documents say this. */
function findings({ product, item }: { readonly product?: object; readonly item?: object }): readonly string[] {
  const rows = { pages: async function* () {}, of: async () => [] };
  const rules = [
    { service: 'stock', rule: stockAudit, rows },
    { service: 'catalogue', rule: catalogueAudit, rows },
  ];
  const group = createGroup({ kind: skus, rules }, 'tea');
  if (item !== undefined) group.add(0, { about: 'tea', row: { sku: 'tea', item } });
  if (product !== undefined) group.add(1, { about: 'tea', row: product });
  return group.findings({ now: 100_000, hangingAfterMs: 60_000 }).map(({ check }) => check);
}

test('a product with its stock item, and one that was deleted with it, are sound', (t) => {
  t.deepEqual(findings({ product: active, item: kept }), []);
  t.deepEqual(findings({ product: deleted, item: closed }), []);
  t.deepEqual(findings({ product: deleted }), []);
});

test('a product without a stock item, and a stock item without a product, are found', (t) => {
  t.deepEqual(findings({ product: active }), ['one-stock']);
  t.deepEqual(findings({ product: active, item: closed }), ['one-stock']);
  t.deepEqual(findings({ product: deleted, item: kept }), ['one-stock']);
  t.deepEqual(findings({ item: kept }), ['one-stock']);
});

test('what the stock was just asked for may be done or not; what it does not answer for long is found', (t) => {
  for (const item of [undefined, kept])
    t.deepEqual(findings({ product: { ...active, ...asked(99_000) }, ...(item && { item }) }), []);
  t.deepEqual(findings({ product: { ...active, ...asked(30_000) } }), ['hanging']);
});
