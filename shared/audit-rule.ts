import type { Connection } from 'mongoose';
import type { AuditAt, AuditedKind, AuditedThing, AuditTold } from '#shared/audited-thing.ts';

export interface AuditFinding {
  /** What was looked for: a label of the metric, with a line in docs/audit.md. */
  readonly check: string;
  /** One sentence, with amounts in minor units. */
  readonly detail: string;
}

/** These details, as findings of one check. */
export function found(check: string, details: readonly string[]): readonly AuditFinding[] {
  return details.map((detail) => ({ check, detail }));
}

/** Rows that an audit reads, all of them and again those of some things. */
export interface AuditSource<Row> {
  /** Every row in the order of the ids of what they are about, up to `size` at a time. */
  pages(size: number): AsyncIterable<readonly Row[]>;
  /** The rows of these things, as they are now; `known`: what was told of them before. */
  of(ids: readonly string[], known: readonly AuditedThing[]): Promise<readonly Row[]> | AsyncIterable<readonly Row[]>;
}

/** The rows of one thing, being judged. */
export interface AuditTally<Row> {
  add(row: Row): void;
  /** What the other rules may know; of a thing without a row, with none. */
  tells?(): AuditTold;
  /** What is wrong, once all were added: of a thing without a row, with none. */
  check(thing: AuditedThing, at: AuditAt): readonly AuditFinding[];
  /** `collection/id` of each document that the rows are from. */
  documents(): readonly string[];
  /** What they say; times are numbers in fields whose names end in `at`. */
  evidence(): object;
  /** What an audit adds up over all things. */
  sums?(): AuditSums;
}

export interface AuditSums {
  /** By what is counted. */
  readonly counts?: Readonly<Record<string, number>>;
  /** Amounts of one currency, minor units, by what they are. */
  readonly money?: { readonly currency: string; readonly amounts: Readonly<Record<string, number>> };
}

interface Common<Row> {
  /** What the rows are about. `anything`: `rows` is asked for every kind. */
  readonly of: AuditedKind | 'anything';
  /** Absent: there are none of this kind. */
  readonly rows: (db: Connection, kind: AuditedKind) => AuditSource<Row> | undefined;
  /** The id of the thing that a row is about. */
  readonly about: (row: Row) => string;
  /** Names of what it may find. */
  readonly checks: readonly string[];
  /** When they are read: `first` what tells how things ended, `last` what tells that they exist; the rest in between. */
  readonly reads?: 'first' | 'last';
}

/** What must hold of the documents of one service. */
export interface AuditRuleSpec<Row> extends Common<Row> {
  /** `collection/id` of a row's document. */
  readonly document: (row: Row) => string;
  /** What is wrong with all rows of one thing: of one without a row, with none. */
  readonly check: (rows: readonly Row[], thing: AuditedThing, at: AuditAt) => readonly AuditFinding[];
  /** What the rules of others may know of the thing. */
  readonly tells?: (rows: readonly Row[]) => AuditTold;
  /** The field in which the rows stand in the evidence, as a list. Absent: the service's name, one row alone. */
  readonly listed?: string;
}

/** What must hold where one thing may have more rows than fit into memory. */
export interface AuditTallySpec<Row> extends Common<Row> {
  readonly begin: () => AuditTally<Row>;
  /** Names of what it counts, and of the amounts that it adds up. */
  readonly counts?: readonly string[];
  readonly amounts?: readonly string[];
}

/** A row, and the thing that it is about. */
export interface AuditedRow {
  readonly about: string;
  readonly row: unknown;
}

export interface AuditRule {
  readonly of: AuditedKind | 'anything';
  readonly checks: readonly string[];
  readonly reads: 'first' | 'between' | 'last';
  readonly counts: readonly string[];
  readonly amounts: readonly string[];
  readonly rows: (db: Connection, kind: AuditedKind) => AuditSource<AuditedRow> | undefined;
  /** `service`: whose rule it is. */
  readonly begin: (service: string) => AuditTally<AuditedRow>;
}

/** Ties a rule to the rows that it reads. */
export function defineAudit<Row>(spec: AuditRuleSpec<Row>): AuditRule {
  return erased(spec, (service) => listTally(spec, service));
}

/** The same for a rule that adds rows up one by one. */
export function defineTally<Row>(spec: AuditTallySpec<Row>): AuditRule {
  return { ...erased(spec, spec.begin), counts: spec.counts ?? [], amounts: spec.amounts ?? [] };
}

function erased<Row>(spec: Common<Row>, begin: (service: string) => AuditTally<Row>): AuditRule {
  const told = (row: Row): AuditedRow => ({ about: spec.about(row), row });
  async function* toldPages(pages: AsyncIterable<readonly Row[]>): AsyncGenerator<readonly AuditedRow[]> {
    for await (const page of pages) yield page.map(told);
  }
  return {
    of: spec.of,
    checks: spec.checks,
    reads: spec.reads ?? 'between',
    counts: [],
    amounts: [],
    rows(db, kind) {
      const source = spec.rows(db, kind);
      return (
        source && {
          pages: (size) => toldPages(source.pages(size)),
          of(ids, known) {
            const found = source.of(ids, known);
            return Symbol.asyncIterator in found ? toldPages(found) : found.then((rows) => rows.map(told));
          },
        }
      );
    },
    begin(service) {
      const tally = begin(service);
      return { ...tally, add: ({ row }) => tally.add(row as Row) };
    },
  };
}

function listTally<Row>(spec: AuditRuleSpec<Row>, service: string): AuditTally<Row> {
  const rows: Row[] = [];
  return {
    add: (row) => void rows.push(row),
    tells: () => spec.tells?.(rows) ?? {},
    check: (thing, at) => spec.check(rows, thing, at),
    documents: () => [...new Set(rows.map(spec.document))],
    evidence() {
      if (rows.length === 0) return {};
      return { [spec.listed ?? service]: spec.listed === undefined && rows.length === 1 ? rows[0] : rows };
    },
  };
}
