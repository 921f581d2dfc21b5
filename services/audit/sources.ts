import type { Connection } from 'mongoose';
import type { AuditedRow, AuditRule, AuditSource } from '#shared/audit-rule.ts';
import type { AuditedKind } from '#shared/audited-thing.ts';

/** A rule with the rows that it reads. */
export interface BoundRule {
  /** Whose rule it is. */
  readonly service: string;
  readonly rule: AuditRule;
  readonly rows: AuditSource<AuditedRow>;
}

/** Everything that an audit reads about things of one kind, in the order in which it is read. */
export interface KindSources {
  readonly kind: AuditedKind;
  readonly rules: readonly BoundRule[];
}

export type AuditSources = readonly KindSources[];

export interface Audited {
  readonly name: string;
  readonly audit: readonly AuditRule[];
}

const READING = ['first', 'between', 'last'] as const;

/** What these services have stored, as their rules read it. */
export function auditSources(db: Connection, services: readonly Audited[]): AuditSources {
  const all = services.flatMap(({ name, audit }) => audit.map((rule) => ({ service: name, rule })));
  return kindsOf(services).map((kind) => {
    const its = all.filter(({ rule }) => rule.of === 'anything' || rule.of.name === kind.name);
    const inOrder = READING.flatMap((when) => its.filter(({ rule }) => rule.reads === when));
    return {
      kind,
      rules: inOrder.flatMap(({ service, rule }) => {
        const rows = rule.rows(db, kind);
        return rows === undefined ? [] : [{ service, rule, rows }];
      }),
    };
  });
}

/** What the rules of these services are about. */
function kindsOf(services: readonly Audited[]): readonly AuditedKind[] {
  const kinds = services.flatMap(({ audit }) => audit.flatMap(({ of }) => (of === 'anything' ? [] : [of])));
  return [...new Map(kinds.map((kind) => [kind.name, kind])).values()];
}

/** What an audit of these services tells of. */
export interface AuditNames {
  /** Everything that it can find. */
  readonly checks: readonly string[];
  readonly kinds: readonly AuditedKind[];
  /** What is counted: things of each kind, and more. */
  readonly counts: readonly string[];
  /** The amounts that are added up. */
  readonly amounts: readonly string[];
}

export function auditNames(services: readonly Audited[]): AuditNames {
  const rules = services.flatMap(({ audit }) => audit);
  const distinct = (names: readonly string[]): readonly string[] => [...new Set(names)];
  const kinds = kindsOf(services);
  return {
    checks: distinct(rules.flatMap(({ checks }) => checks)),
    kinds,
    counts: distinct([...kinds.map(({ name }) => name), ...rules.flatMap(({ counts }) => counts)]),
    amounts: distinct(rules.flatMap(({ amounts }) => amounts)),
  };
}
