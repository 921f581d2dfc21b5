import { checkNames, type Finding, type OrderFacts } from './facts.ts';
import type { AuditedWallet } from '#services/wallet/view.ts';

/** What is wrong, and how one can tell. */
export interface Violation extends Finding {
  readonly orderId?: string;
  readonly customerId?: string;
  /** `collection/id` of each document that says so; a wallet's entries as `wallet_entries?customerId=...`. */
  readonly documents: readonly string[];
  /** What they say; times are RFC 3339. */
  readonly evidence: object;
}

/** Per currency, minor units. */
export interface Total {
  readonly currency: string;
  readonly toppedUp: number;
  readonly available: number;
  readonly held: number;
  readonly captured: number;
}

export interface AuditReport {
  readonly checked: {
    readonly orders: number;
    readonly wallets: number;
    readonly entries: number;
    /** Orders and wallets that were read again, because they changed while they were read or because something is wrong. */
    readonly readAgain: number;
  };
  readonly violations: number;
  readonly byCheck: Readonly<Record<string, number>>;
  /** The first of them. */
  readonly items: readonly Violation[];
  readonly totals: readonly Total[];
}

/** A report being written. */
export interface Findings {
  count(what: Partial<AuditReport['checked']>): void;
  ofOrder(facts: OrderFacts, documents: readonly string[], findings: readonly Finding[], more: object): void;
  ofWallet(customerId: string, wallet: AuditedWallet | undefined, findings: readonly Finding[]): void;
  money(wallet: AuditedWallet, toppedUp: number): void;
  readonly isFull: boolean;
  report(): AuditReport;
}

/** `checks`: everything that may be found; each is counted from 0. */
export function createFindings(limit: number, checks: readonly string[] = checkNames): Findings {
  const checked = { orders: 0, wallets: 0, entries: 0, readAgain: 0 };
  const byCheck: Record<string, number> = Object.fromEntries(checks.map((name) => [name, 0]));
  const items: Violation[] = [];
  const totals = new Map<string, Total>();

  function add(findings: readonly Finding[], about: () => Omit<Violation, keyof Finding>): void {
    for (const finding of findings) {
      byCheck[finding.check] = (byCheck[finding.check] ?? 0) + 1;
      if (items.length < limit) items.push({ ...finding, ...about() });
    }
  }

  return {
    count(what) {
      for (const name of Object.keys(checked) as (keyof typeof checked)[]) checked[name] += what[name] ?? 0;
    },
    ofOrder({ orderId, own, ...evidence }, documents, findings, more) {
      const ownRows = Object.entries(own).flatMap(([name, rows]) =>
        rows.length === 0 ? [] : [[name, rows.length === 1 ? rows[0]?.row : rows.map(({ row }) => row)]],
      );
      add(findings, () => ({
        orderId,
        documents,
        evidence: withTimes({ ...evidence, ...(Object.fromEntries(ownRows) as object), ...more }) as object,
      }));
    },
    ofWallet(customerId, wallet, findings) {
      add(findings, () => {
        const { riding, customerId: _, ...balances } = wallet ?? { riding: [], customerId };
        const written = riding.map((entry) => `wallets/${customerId}#${entry.entryId ?? entry.id}`);
        const entries = `wallet_entries?customerId=${encodeURIComponent(customerId)}`;
        const documents = [...(wallet ? [`wallets/${customerId}`] : []), ...written, entries];
        return { customerId, documents, evidence: balances };
      });
    },
    money({ currency, available, held, captured }, toppedUp) {
      if (currency === undefined) return;
      const sum = totals.get(currency) ?? { currency, toppedUp: 0, available: 0, held: 0, captured: 0 };
      totals.set(currency, {
        currency,
        toppedUp: sum.toppedUp + toppedUp,
        available: sum.available + available,
        held: sum.held + held,
        captured: sum.captured + captured,
      });
    },
    get isFull() {
      return items.length >= limit;
    },
    report() {
      const violations = Object.values(byCheck).reduce((sum, number) => sum + number, 0);
      return {
        checked: { ...checked },
        violations,
        byCheck: { ...byCheck },
        items: [...items],
        totals: [...totals.values()],
      };
    },
  };
}

/** Our times are numbers in fields whose names end in `at`. */
function withTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withTimes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]: [string, unknown]) => [
      name,
      typeof one === 'number' && /(^a|A)t$/.test(name) ? new Date(one).toISOString() : withTimes(one),
    ]),
  );
}
