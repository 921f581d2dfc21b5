import { EJSON } from 'bson';
import { type Demand, demandsOf, rangesOf } from './bounds.ts';
import type { Collection, Range } from '#local/mongo/storage/collection.ts';
import { MongoFailure } from '#local/mongo/protocol/failure.ts';
import type { Filter } from './filter.ts';
import type { IndexSpec } from '#local/mongo/storage/index-spec.ts';
import type { Index } from '#local/mongo/storage/index-table.ts';
import type { Doc } from '#local/mongo/protocol/raw.ts';

export type Sort = readonly (readonly [path: string, direction: 1 | -1])[];

/** How documents are found. An index gives a superset of the matches; the filter is always checked. */
export type Plan =
  | { readonly stage: 'IDHACK'; readonly idKey: string }
  | { readonly stage: 'COLLSCAN' }
  | {
      readonly stage: 'IXSCAN';
      readonly spec: IndexSpec;
      /** Undefined: the index of `_id`. */
      readonly index: Index | undefined;
      readonly ranges: readonly Range[];
      readonly reverse: boolean;
      /** Documents come in the order of the wanted sort. */
      readonly sorted: boolean;
      /** A document may come several times. */
      readonly multikey: boolean;
    };

export const idSpec: IndexSpec = { name: '_id_', key: [['_id', 1]], unique: true, sparse: false };

export function planFor(collection: Collection, filter: Filter, sort: Sort, hint?: unknown): Plan {
  if (filter.idKey !== undefined) return { stage: 'IDHACK', idKey: filter.idKey };
  const demands = demandsOf(filter.criteria());
  if (hint !== undefined) checkHint(collection, hint);
  let best: Plan = { stage: 'COLLSCAN' };
  let bestScore = 0;
  for (const index of [undefined, ...collection.indexes]) {
    const spec = index?.spec ?? idSpec;
    if (hint !== undefined && !isHinted(spec, hint)) continue;
    const multikey = index?.multikey ?? false;
    const { ranges, fixed, bounded } = rangesOf(spec, multikey, demands);
    if (spec.sparse && (!bounded || spec.key.some(([path]) => demands.get(path)?.eq === null))) continue;
    if (!impliesPartial(spec, demands, filter.criteria())) continue;
    const order = ranges.length === 1 && !multikey ? orderOf(spec, fixed, sort) : undefined;
    // One value of a field narrows more than a range of another that is in the wanted order.
    const narrowed = bounded ? 1 + (fixed === 0 ? 1 : fixed * 5) : 0;
    const score = narrowed + (order === undefined ? 0 : 3) + (hint === undefined ? 0 : 100);
    if (score <= bestScore) continue;
    bestScore = score;
    best = {
      stage: 'IXSCAN',
      spec,
      index,
      ranges,
      reverse: order === 'backward',
      sorted: order !== undefined,
      multikey,
    };
  }
  return best;
}

function orderOf({ key }: IndexSpec, fixed: number, sort: Sort): 'forward' | 'backward' | undefined {
  const fixedPaths = new Set(key.slice(0, fixed).map(([path]) => path));
  const wanted = sort.filter(([path]) => !fixedPaths.has(path));
  if (sort.length === 0) return undefined;
  const rest = key.slice(fixed);
  if (wanted.length > rest.length) return undefined;
  let order: 'forward' | 'backward' | undefined = wanted.length === 0 ? 'forward' : undefined;
  for (const [position, [path, direction]] of wanted.entries()) {
    const [indexed, indexDirection] = rest[position]!;
    const here = direction === indexDirection ? 'forward' : 'backward';
    if (indexed !== path || (order !== undefined && order !== here)) return undefined;
    order = here;
  }
  return order;
}

function impliesPartial(
  { partialFilterExpression }: IndexSpec,
  demands: ReadonlyMap<string, Demand>,
  criteria: Doc,
): boolean {
  for (const [path, condition] of Object.entries(partialFilterExpression ?? {})) {
    const exists = (condition as Doc | null)?.['$exists'] === true && Object.keys(condition as Doc).length === 1;
    if (exists && demands.has(path) && demands.get(path)?.eq !== null) continue;
    const given = criteria[path];
    if (given === undefined || EJSON.stringify({ v: given }) !== EJSON.stringify({ v: condition })) return false;
  }
  return true;
}

function isHinted({ name, key }: IndexSpec, hint: unknown): boolean {
  return typeof hint === 'string' ? name === hint : JSON.stringify(Object.fromEntries(key)) === JSON.stringify(hint);
}

function checkHint(collection: Collection, hint: unknown): void {
  const specs = [idSpec, ...collection.indexes.map(({ spec }) => spec)];
  if (specs.some((spec) => isHinted(spec, hint))) return;
  throw new MongoFailure(2, `hint ${JSON.stringify(hint)} names no index`);
}
