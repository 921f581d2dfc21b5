import type { Range } from '#local/mongo/storage/collection.ts';
import type { IndexSpec } from '#local/mongo/storage/index-spec.ts';
import { afterPrefix, inverted, keyOfValue, nullKey } from '#local/mongo/storage/key.ts';
import type { Doc } from '#local/mongo/protocol/raw.ts';

/** What a filter demands of one path, as far as an index can use it. Null is also what is missing. */
export interface Demand {
  eq?: unknown;
  in?: readonly unknown[];
  low?: { readonly value: unknown; readonly inclusive: boolean };
  high?: { readonly value: unknown; readonly inclusive: boolean };
}

const indexable = new Set(['ObjectId', 'Long', 'Int32', 'Double', 'Binary']);

function isIndexable(value: unknown): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value instanceof Date) return true;
  if (typeof value === 'number') return !Number.isNaN(value);
  const type = (value as { _bsontype?: string } | null)?._bsontype;
  return type !== undefined && indexable.has(type);
}

/** The demands of a filter's conjunction, by path. */
export function demandsOf(criteria: Doc, demands: Map<string, Demand> = new Map()): Map<string, Demand> {
  for (const [path, condition] of Object.entries(criteria)) {
    if (path === '$and' && Array.isArray(condition)) {
      for (const part of condition) demandsOf(part as Doc, demands);
      continue;
    }
    if (path.startsWith('$')) continue;
    const demand = demands.get(path) ?? {};
    if (isIndexable(condition) || condition === null) demand.eq = condition;
    else if (typeof condition === 'object' && condition !== null) addOperators(condition as Doc, demand);
    if (Object.keys(demand).length > 0) demands.set(path, demand);
  }
  return demands;
}

function addOperators(condition: Doc, demand: Demand): void {
  for (const [operator, value] of Object.entries(condition)) {
    if (operator === '$in') {
      if (Array.isArray(value) && value.length <= 10_000 && value.every(isIndexable)) demand.in = value;
      continue;
    }
    if (!isIndexable(value)) continue;
    if (operator === '$eq') demand.eq = value;
    else if (operator === '$gt' || operator === '$gte') demand.low = { value, inclusive: operator === '$gte' };
    else if (operator === '$lt' || operator === '$lte') demand.high = { value, inclusive: operator === '$lte' };
  }
}

/** The ranges of an index that hold every match, and how many leading paths are fixed to one value. */
export function rangesOf(
  { key }: IndexSpec,
  multikey: boolean,
  demands: ReadonlyMap<string, Demand>,
): { readonly ranges: readonly Range[]; readonly fixed: number; readonly bounded: boolean } {
  let prefixes: Buffer[] = [Buffer.alloc(0)];
  let fixed = 0;
  for (const [path, direction] of key) {
    const demand = demands.get(path);
    const extended = (values: readonly unknown[]): Buffer[] =>
      prefixes.flatMap((prefix) =>
        values.map((value) => Buffer.concat([prefix, oriented(keyOfValue(value), direction)])),
      );
    if (demand?.eq === null) {
      // What is missing and what is null have keys that only begin alike.
      prefixes = prefixes.map((prefix) => Buffer.concat([prefix, oriented(nullKey, direction)]));
      break;
    }
    if (demand?.eq !== undefined) {
      prefixes = extended([demand.eq]);
      if (prefixes.length === 1) fixed += 1;
      continue;
    }
    if (demand?.in !== undefined && prefixes.length * demand.in.length <= 10_000) {
      prefixes = extended(demand.in);
      continue;
    }
    if (demand?.low === undefined && demand?.high === undefined) break;
    return { ranges: prefixes.map((prefix) => between(prefix, direction, demand, multikey)), fixed, bounded: true };
  }
  const whole = prefixes.length === 1 && prefixes[0]!.length === 0;
  const distinct = [...new Map(prefixes.map((prefix) => [prefix.toString('latin1'), prefix])).values()];
  const ranges = distinct.map((low) => ({ low, high: whole ? undefined : afterPrefix(low) }));
  return { ranges, fixed, bounded: !whole };
}

function oriented(key: Buffer, direction: 1 | -1): Buffer {
  return direction === 1 ? key : inverted(key);
}

/** A comparison sees only values of its operand's type; on an index with arrays only one of two bounds may be used. */
function between(prefix: Buffer, direction: 1 | -1, { low, high }: Demand, multikey: boolean): Range {
  const upper = multikey && low !== undefined ? undefined : high;
  const sample = keyOfValue((low ?? high)!.value);
  const type = Buffer.concat([prefix, oriented(sample.subarray(0, 1), direction)]);
  const first = direction === 1 ? low : upper;
  const last = direction === 1 ? upper : low;
  const at = (value: unknown): Buffer => Buffer.concat([prefix, oriented(keyOfValue(value), direction)]);
  return {
    low: first === undefined ? type : first.inclusive ? at(first.value) : afterPrefix(at(first.value))!,
    high: last === undefined ? afterPrefix(type) : last.inclusive ? afterPrefix(at(last.value)) : at(last.value),
  };
}
