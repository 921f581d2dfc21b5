import { Timestamp } from 'bson';
import { addToSet, pop, pull, pullAll, push } from './array-operators.ts';
import { MongoFailure } from '#local/mongo/protocol/failure.ts';
import { keyOfValue } from '#local/mongo/storage/key.ts';
import { arithmetic } from './numbers.ts';
import { placeAt } from './path.ts';
import type { Doc } from '#local/mongo/protocol/raw.ts';

type Compute = (path: string, current: unknown, operand: unknown, nowMs: number) => unknown;

/** Operators that replace the value at a path; those in `onMissing` leave a missing one alone. */
const computed: Readonly<Record<string, Compute>> = {
  $set: (_path, _current, operand) => operand,
  $setOnInsert: (_path, _current, operand) => operand,
  $inc: (path, current, operand) => arithmetic('$inc', path, current, operand),
  $mul: (path, current, operand) => arithmetic('$mul', path, current, operand),
  $min: (_path, current, operand) => (current === undefined || less(operand, current) ? operand : current),
  $max: (_path, current, operand) => (current === undefined || less(current, operand) ? operand : current),
  $push: push,
  $addToSet: addToSet,
  $pull: pull,
  $pullAll: pullAll,
  $pop: pop,
  $currentDate: (_path, _current, operand, nowMs) => {
    const type = (operand as Doc | null)?.['$type'];
    if (operand === true || type === 'date') return new Date(nowMs);
    if (type === 'timestamp') return new Timestamp({ t: Math.floor(nowMs / 1000), i: 1 });
    throw new MongoFailure(2, '$currentDate takes true, {$type: "date"} or {$type: "timestamp"}');
  },
};
const ignoresMissing = new Set(['$pull', '$pullAll', '$pop']);

function less(a: unknown, b: unknown): boolean {
  return keyOfValue(a).compare(keyOfValue(b)) < 0;
}

interface Step {
  readonly operator: string;
  readonly path: string;
  readonly operand: unknown;
}

export type Updater = (document: Doc, context: { readonly inserting: boolean; readonly nowMs: number }) => void;

/** Compiles update operators; the returned function changes a typed document in place. */
export function compileOperators(update: Doc): Updater {
  const steps: Step[] = [];
  for (const [operator, operands] of Object.entries(update)) {
    if (!(operator in computed) && operator !== '$unset' && operator !== '$rename') {
      throw new MongoFailure(9, `unknown or unsupported update operator ${operator}`);
    }
    if (typeof operands !== 'object' || operands === null) throw new MongoFailure(9, `${operator} needs an object`);
    for (const [path, operand] of Object.entries(operands)) steps.push({ operator, path, operand });
  }
  refuseConflicts(
    steps.flatMap(({ operator, path, operand }) => (operator === '$rename' ? [path, String(operand)] : [path])),
  );
  steps.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return (document, { inserting, nowMs }) => {
    for (const step of steps) {
      if (step.operator === '$setOnInsert' && !inserting) continue;
      apply(document, step, nowMs);
    }
  };
}

function apply(document: Doc, { operator, path, operand }: Step, nowMs: number): void {
  if (operator === '$unset') {
    placeAt(document, path, false)?.unset();
    return;
  }
  if (operator === '$rename') return rename(document, path, operand);
  const missing = placeAt(document, path, false)?.get() === undefined;
  if (missing && ignoresMissing.has(operator)) return;
  const place = placeAt(document, path, true)!;
  place.set(computed[operator]!(path, place.get(), operand, nowMs));
}

function rename(document: Doc, from: string, to: unknown): void {
  if (typeof to !== 'string') throw new MongoFailure(2, '$rename needs the new name as a string');
  const source = placeAt(document, from, false);
  const value = source?.get();
  if (source === undefined || value === undefined) return;
  source.unset();
  placeAt(document, to, true)!.set(value);
}

function refuseConflicts(paths: readonly string[]): void {
  const sorted = paths.toSorted();
  const seen = new Set<string>();
  for (const path of sorted) {
    for (let part = path; part !== ''; part = part.slice(0, Math.max(0, part.lastIndexOf('.')))) {
      if (seen.has(part)) throw new MongoFailure(40, `updating the path ${path} conflicts with the update of ${part}`);
    }
    seen.add(path);
  }
}
