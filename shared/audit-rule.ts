import type { Connection } from 'mongoose';
import type { Source } from '#shared/database/pages.ts';

/** What an audit knows of the thing that a service's documents are about, when it asks whether they are right. */
export interface AuditedThing {
  /** Its owner has it. */
  readonly exists: boolean;
  /** How its saga ended; absent: it has not, or there is none. */
  readonly outcome?: string | undefined;
  /** The names of the saga's steps that were sent. */
  readonly steps: readonly string[];
}

export interface AuditFinding {
  /** What was looked for: a label of the metric, with a line in docs/audit.md. */
  readonly check: string;
  /** One sentence, with amounts in minor units. */
  readonly detail: string;
}

/** What must hold of the documents of one service. */
export interface AuditRuleSpec<Row> {
  /** Every document that says something about a thing, in the order of the things' ids. Read after the saga and before the thing itself. */
  readonly rows: (db: Connection) => Source<Row>;
  /** The id of the thing that a row is about. */
  readonly about: (row: Row) => string;
  /** `collection/id` of a row's document. */
  readonly document: (row: Row) => string;
  /** Names of what `check` may find. */
  readonly checks: readonly string[];
  /** What is wrong with all rows of one thing: of one without a row, with none. */
  readonly check: (rows: readonly Row[], thing: AuditedThing) => readonly AuditFinding[];
}

/** A row, and the thing that it is about. */
export interface AuditedRow {
  readonly about: string;
  readonly row: unknown;
}

export interface AuditRule {
  readonly checks: readonly string[];
  readonly rows: (db: Connection) => Source<AuditedRow>;
  readonly document: (row: AuditedRow) => string;
  readonly check: (rows: readonly AuditedRow[], thing: AuditedThing) => readonly AuditFinding[];
}

/** Ties a rule to the rows that it reads. */
export function defineAudit<Row>(spec: AuditRuleSpec<Row>): AuditRule {
  const told = (row: Row): AuditedRow => ({ about: spec.about(row), row });
  return {
    checks: spec.checks,
    rows(db) {
      const source = spec.rows(db);
      return {
        async *pages(size) {
          for await (const page of source.pages(size)) yield page.map(told);
        },
        of: async (keys) => (await source.of(keys)).map(told),
      };
    },
    document: ({ row }) => spec.document(row as Row),
    check: (rows, thing) =>
      spec.check(
        rows.map(({ row }) => row as Row),
        thing,
      ),
  };
}
