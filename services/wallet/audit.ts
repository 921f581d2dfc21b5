import { type AuditedEntry, auditedEntries, auditedLedgers, type LedgerRow } from './audited.ts';
import { wallets } from './contract.ts';
import { entriesCollection } from './model.ts';
import { walletTally } from './tally.ts';

import type { Money } from '#services/money.ts';
import { orders, placedOrder } from '#services/order/contract.ts';
import { defineAudit, defineTally, found } from '#shared/audit-rule.ts';
import type { AuditedThing } from '#shared/audited-thing.ts';

/** Of an order's total there is one hold a try, which is captured or released before the next; one capture, which is refunded at most once. */
export const entriesAudit = defineAudit({
  of: orders,
  rows(db) {
    const entries = auditedEntries(db);
    return {
      pages: entries.pages,
      of: (ids, known) =>
        entries.of(
          ids,
          known.flatMap(({ told }) => told(placedOrder)?.customerId ?? []),
        ),
    };
  },
  about: ({ orderId }) => orderId,
  document: ({ id }) => `${entriesCollection}/${id}`,
  listed: 'entries',
  checks: ['orphan', 'one-capture', 'completed', 'undone'],
  check: (entries, thing) => [
    ...found('one-capture', oneCapture(entries, thing)),
    ...(thing.exists ? atTheEnd(entries, thing) : found('orphan', orphan(entries))),
  ],
});

/** A wallet is what its ledger adds up to. */
export const walletAudit = defineTally<LedgerRow>({
  of: wallets,
  rows: auditedLedgers,
  about: ({ customerId }) => customerId,
  checks: ['ledger', 'negative', 'held'],
  begin: walletTally,
  counts: ['entries'],
  amounts: ['toppedUp', 'available', 'held', 'captured'],
});

type Entries = readonly AuditedEntry[];

function orphan(entries: Entries): readonly string[] {
  return entries.length === 0 ? [] : [`there is no such order, and the ledger has ${entries.length} entries of it`];
}

function oneCapture(entries: Entries, { told }: AuditedThing): readonly string[] {
  const placed = told(placedOrder);
  const [holds, releases, captures, refunds] = (['hold', 'release', 'capture', 'refund'] as const).map((kind) =>
    sumOf(entries, kind),
  ) as [Sum, Sum, Sum, Sum];
  const wrong: string[] = [];
  const open = holds.count - releases.count;
  if (captures.count > 1 || open > 1 || captures.count > open || refunds.count > captures.count)
    wrong.push(
      `${holds.count} holds, ${releases.count} releases, ${captures.count} captures, ${refunds.count} refunds`,
    );
  const amounts = new Set(entries.map(shown));
  if (amounts.size > 1) wrong.push(`its entries are over different amounts: ${[...amounts].join(', ')}`);
  if (placed === undefined) return wrong;
  if (amounts.size === 1 && !amounts.has(shown(placed.total)))
    wrong.push(`its entries are over ${[...amounts].join()}, the order over ${shown(placed.total)}`);
  for (const { id, customerId } of entries)
    if (customerId !== placed.customerId) wrong.push(`entry ${id} is in the wallet of ${customerId}`);
  return wrong;
}

function atTheEnd(entries: Entries, { outcome, told }: AuditedThing) {
  if (outcome === undefined) return [];
  const captured = sumOf(entries, 'capture').amount;
  const taken = captured - sumOf(entries, 'refund').amount;
  if (outcome === 'completed') {
    const total = told(placedOrder)?.total.amount ?? 0;
    return found('completed', taken === total ? [] : [`${taken} of ${total} were taken`]);
  }
  const held = sumOf(entries, 'hold').amount - sumOf(entries, 'release').amount - captured;
  return found('undone', [
    ...(taken === 0 ? [] : [`${taken} are still taken`]),
    ...(held === 0 ? [] : [`${held} are still held`]),
  ]);
}

interface Sum {
  readonly count: number;
  readonly amount: number;
}

function sumOf(entries: Entries, kind: AuditedEntry['kind']): Sum {
  const those = entries.filter((entry) => entry.kind === kind);
  return { count: those.length, amount: those.reduce((sum, { amount }) => sum + amount, 0) };
}

function shown({ amount, currency }: Money): string {
  return `${amount} ${currency}`;
}
