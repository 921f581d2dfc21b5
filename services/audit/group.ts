import type { BoundRule, KindSources } from './sources.ts';
import type { AuditedRow, AuditFinding, AuditSums, AuditTally } from '#shared/audit-rule.ts';
import type { AuditAt, AuditedKind, AuditedThing, AuditFact } from '#shared/audited-thing.ts';

/** All rows of one thing, each with the rule that judges it. */
export interface Group {
  readonly kind: AuditedKind;
  readonly id: string;
  /** Adds a row of the rule with this number. */
  add(rule: number, row: AuditedRow): void;
  /** What is known of the thing, once all rows were added. */
  thing(): AuditedThing;
  findings(at: AuditAt): readonly AuditFinding[];
  /** Nothing of it can be on its way any more. */
  isAtRest(now: number, graceMs: number): boolean;
  documents(): readonly string[];
  evidence(): object;
  sums(): readonly AuditSums[];
}

export function createGroup({ kind, rules }: KindSources, id: string): Group {
  const tallies = rules.map(({ rule, service }: BoundRule): AuditTally<AuditedRow> => rule.begin(service));
  let known: AuditedThing | undefined;

  function thing(): AuditedThing {
    if (known !== undefined) return known;
    const told = tallies.map((tally) => tally.tells?.() ?? {});
    const facts = new Map(told.flatMap(({ facts: all = [] }) => all.map((one) => [one.name, one.told])));
    const { facts: _, ...all } = Object.assign({}, ...told.map(defined)) as (typeof told)[number];
    known = {
      ...all,
      id,
      exists: all.exists ?? false,
      steps: all.saga?.steps.map(({ name }) => name) ?? [],
      told: <Fact>({ name }: AuditFact<Fact>) => facts.get(name) as Fact | undefined,
    };
    return known;
  }

  return {
    kind,
    id,
    add(rule, row) {
      known = undefined;
      tallies[rule]?.add(row);
    },
    thing,
    findings: (at) => tallies.flatMap((tally) => tally.check(thing(), at)),
    isAtRest(now, graceMs) {
      const { endedAt = Infinity, updatedAt = Infinity } = thing();
      return now - Math.max(endedAt, updatedAt) > graceMs;
    },
    documents: () => tallies.flatMap((tally) => tally.documents()),
    evidence: () => Object.assign({}, ...tallies.map((tally) => tally.evidence())) as object,
    sums: () => tallies.flatMap((tally) => tally.sums?.() ?? []),
  };
}

/** What one rule does not know must not hide what another one does. */
function defined(told: object): object {
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined));
}
