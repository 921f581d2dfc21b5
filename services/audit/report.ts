import type { Group } from './group.ts';
import type { AuditNames } from './sources.ts';
import type { AuditFinding, AuditSums } from '#shared/audit-rule.ts';

/** What is wrong, and how one can tell. The id of what it is about stands in the field of its kind: `orderId`. */
export interface Violation extends AuditFinding {
  /** `collection/id` of each document that says so. */
  readonly documents: readonly string[];
  /** What they say; times are RFC 3339. */
  readonly evidence: object;
  readonly [field: string]: unknown;
}

/** Amounts of one currency, minor units, by what they are. */
export type Total = { readonly currency: string } & Readonly<Record<string, number | string>>;

export interface AuditReport {
  /** How many of each kind; `readAgain`: what was read again, because it changed while it was read or because something is wrong. */
  readonly checked: Readonly<Record<string, number>> & { readonly readAgain: number };
  readonly violations: number;
  readonly byCheck: Readonly<Record<string, number>>;
  /** The first of them. */
  readonly items: readonly Violation[];
  readonly totals: readonly Total[];
}

/** A report being written. */
export interface Findings {
  count(what: Readonly<Record<string, number>>): void;
  /** What one thing adds to counts and totals. */
  add(sums: readonly AuditSums[]): void;
  of(group: Group, findings: readonly AuditFinding[]): void;
  report(): AuditReport;
}

/** Of each name in `names` there is a number, at least 0. */
export function createFindings(limit: number, { checks, counts }: AuditNames): Findings {
  const checked = { ...zeros(counts), readAgain: 0 };
  const byCheck = zeros(checks);
  const items: Violation[] = [];
  const totals = new Map<string, Record<string, number>>();

  function count(what: Readonly<Record<string, number>>): void {
    addTo(checked, what);
  }

  return {
    count,
    add(sums) {
      for (const { counts: more = {}, money } of sums) {
        count(more);
        if (money === undefined) continue;
        const total = totals.get(money.currency) ?? {};
        addTo(total, money.amounts);
        totals.set(money.currency, total);
      }
    },
    of(group, findings) {
      for (const finding of findings) {
        addTo(byCheck, { [finding.check]: 1 });
        if (items.length >= limit) continue;
        const documents = group.documents();
        const evidence = withTimes(group.evidence()) as object;
        items.push({ ...finding, [group.kind.id]: group.id, documents, evidence });
      }
    },
    report() {
      const violations = Object.values(byCheck).reduce((sum, number) => sum + number, 0);
      return {
        checked: { ...checked },
        violations,
        byCheck: { ...byCheck },
        items: [...items],
        totals: [...totals].map(([currency, amounts]) => ({ currency, ...amounts })),
      };
    },
  };
}

function zeros(names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, 0]));
}

function addTo(sums: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, number] of Object.entries(more)) sums[name] = (sums[name] ?? 0) + number;
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
