import type { QuickJSWASMModule } from 'quickjs-emscripten-core';
import { unfitAmong, unfitAmount } from './amount.ts';
import type { DryRunAsked, DryRunSeen } from './batch.ts';
import type { Case, Problem } from './contract.ts';
import type { ScriptLimits } from './limits.ts';
import { compile, type Realm, threadMicroseconds } from './realm.ts';

/** What each strategy is asked before it becomes active. */
export const REPRESENTATIVE: readonly Case[] = [0, 1, 311, 1_123, 1_000_000].flatMap((price) =>
  [1, 2, 3, 10, 999].map((quantity) => ({ quantity, price })),
);

/** A call that takes longer is measured alone, a shorter one in runs of so many. */
const MEASURED_MICROSECONDS = 1_000;
const MEASURED_CALLS = 32;

type Seen = { readonly amount: number; readonly warning?: string } | { readonly problem: Problem };

/** At up to this price, minor units, a discount of a fixed amount may be more than the line: that is told, and no reason to refuse. */
const NEXT_TO_NOTHING = 1;

/**
 * Asks the script each case twice, and once more in an engine of its own in the other order: the same input must give the same
 * amount each time. Stops at the first problem.
 */
export function dryRun(
  engine: QuickJSWASMModule,
  { source, cases }: DryRunAsked,
  limits: ScriptLimits,
  moved: () => void = () => {},
): DryRunSeen {
  const refused = (...problems: readonly Problem[]): DryRunSeen => ({
    problems,
    warnings: [],
    amounts: [],
    microseconds: [],
  });
  if (cases.length > limits.cases) return refused({ message: `a dry run has at most ${limits.cases} cases` });
  const unfit = unfitAmong(cases, limits.amount);
  if (unfit) return refused({ message: `${about(cases[unfit.at ?? 0]!)}${unfit.message}` });

  const one = compile(engine, source, limits, moved);
  if ('problems' in one) return refused(...one.problems);
  const other = compile(engine, source, limits, moved);
  if ('problems' in other) return refused(...other.problems);
  try {
    const amounts: number[] = [];
    const negative = new Set<string>();
    const again = cases.map((each, at) => ({ realm: other, each, at })).reverse();
    const endsAt = threadMicroseconds() + limits.dryRunMs * 1_000;
    for (const { realm, each, at } of [...twice(one, cases), ...again]) {
      if (threadMicroseconds() > endsAt)
        return refused({ message: `it was not done with all cases in ${limits.dryRunMs} ms` });
      const seen = asked(realm, each, limits.amount);
      moved();
      if ('problem' in seen) return refused(seen.problem);
      if (seen.warning !== undefined) negative.add(seen.warning);
      if ((amounts[at] ??= seen.amount) === seen.amount) continue;
      return refused({ message: `${about(each)}it gave ${amounts[at]} and ${seen.amount} for the same input` });
    }
    const microseconds = cases.map((each) => timeOf(one, each));
    const warnings = [
      ...one.warnings,
      ...[...negative].slice(0, 1),
      ...warningsOf(cases, amounts, microseconds, limits),
    ];
    return { problems: [], warnings, amounts, microseconds };
  } finally {
    one.dispose();
    other.dispose();
  }
}

function twice(realm: Realm, cases: readonly Case[]) {
  return [...cases, ...cases].map((each, n) => ({ realm, each, at: n % cases.length }));
}

function asked(realm: Realm, { quantity, price }: Case, largest: number): Seen {
  const amounts = new Float64Array(1);
  const failed = realm.run(Float64Array.of(quantity, price), amounts);
  if (failed) {
    const { did: _did, at: _at, message, ...place } = failed;
    return { problem: { message: `${about({ quantity, price })}${message}`, ...place } };
  }
  const amount = amounts[0]! + 0;
  const unfit = unfitAmount(amount, largest);
  if (unfit === undefined) return { amount };
  const message = `${about({ quantity, price })}${unfit}`;
  return amount < 0 && price <= NEXT_TO_NOTHING ? { amount, warning: message } : { problem: { message } };
}

function about({ quantity, price }: Case): string {
  return `for ${quantity} at ${price}: `;
}

/** The quickest of some runs: what else the machine does only makes one slower. Processor time is counted too coarsely for it. */
function timeOf(realm: Realm, { quantity, price }: Case): number {
  const many = new Float64Array(2 * MEASURED_CALLS);
  for (let n = 0; n < many.length; n += 2) many.set([quantity, price], n);
  const one = many.subarray(0, 2);
  const once = quickest(() => realm.run(one, new Float64Array(1)));
  if (once > MEASURED_MICROSECONDS) return Math.round(once);
  const amounts = new Float64Array(MEASURED_CALLS);
  return Math.round((10 * quickest(() => realm.run(many, amounts))) / MEASURED_CALLS) / 10;
}

function quickest(run: () => void): number {
  let least = Infinity;
  for (let turn = 0; turn < 4; turn += 1) {
    least = Math.min(least, wallMicroseconds(run));
    if (least > 10 * MEASURED_MICROSECONDS) break;
  }
  return least;
}

function wallMicroseconds(run: () => void): number {
  const started = process.hrtime.bigint();
  run();
  return Number(process.hrtime.bigint() - started) / 1_000;
}

function warningsOf(
  cases: readonly Case[],
  amounts: readonly number[],
  microseconds: readonly number[],
  { slowMicroseconds, callMs }: ScriptLimits,
): readonly string[] {
  const dearer = cases.findIndex(({ quantity, price }, at) => amounts[at]! > quantity * price);
  const slowest = microseconds.indexOf(Math.max(...microseconds));
  return [
    ...(dearer === -1 ? [] : [`${about(cases[dearer]!)}it gave ${amounts[dearer]}, more than quantity x price`]),
    ...(microseconds[slowest]! > slowMicroseconds
      ? [
          `${about(cases[slowest]!)}it took ${Math.round(microseconds[slowest]!)} microseconds; after ${callMs} ms a call fails`,
        ]
      : []),
  ];
}
