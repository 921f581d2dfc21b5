import type { Collection } from '#local/mongo/storage/collection.ts';
import { MongoFailure } from '#local/mongo/protocol/failure.ts';
import type { Filter } from './filter.ts';
import { pathParts, valuesAt } from '#local/mongo/storage/index-keys.ts';
import { idKeyIn, idKeyOf, inverted } from '#local/mongo/storage/key.ts';
import { type Plan, type Sort, planFor } from './plan.ts';
import { elements, kind } from '#local/mongo/protocol/raw.ts';

export interface Selection {
  readonly sort?: Sort;
  readonly skip?: number;
  /** 0 or undefined: no limit. */
  readonly limit?: number;
  readonly hint?: unknown;
}

/** What a selection cost: for `explain` and for tests. */
export interface Cost {
  stage: Plan['stage'];
  index?: string;
  /** Documents looked at. */
  examined: number;
  sortedInMemory: boolean;
}

export interface Selected {
  readonly documents: Generator<Buffer>;
  readonly cost: Cost;
}

/** The matching documents, in the wanted order. Lazy: nothing is read before it is asked for. */
export function select(collection: Collection, filter: Filter, selection: Selection = {}): Selected {
  const { sort = [], skip = 0, limit = 0, hint } = selection;
  const plan = planFor(collection, filter, sort, hint);
  const inMemory = sort.length > 0 && plan.stage !== 'IDHACK' && !(plan.stage === 'IXSCAN' && plan.sorted);
  const cost: Cost = { stage: plan.stage, examined: 0, sortedInMemory: inMemory };
  if (plan.stage === 'IXSCAN') cost.index = plan.spec.name;
  const first = limit > 0 && !inMemory ? Math.min(1024, skip + limit) : 64;
  const found = matching(collection, filter, plan, cost, first);
  return { documents: sliced(inMemory ? inOrder(found, sort) : found, skip, limit), cost };
}

function* matching(collection: Collection, filter: Filter, plan: Plan, cost: Cost, first: number): Generator<Buffer> {
  const listed = plan.stage === 'IXSCAN' && plan.index === undefined ? listedIds(filter) : undefined;
  const exact = listed?.exact === true;
  for (const raw of candidates(collection, listed?.keys, plan, first)) {
    cost.examined += 1;
    if (exact || filter.matches(raw)) yield raw;
  }
}

function* candidates(
  collection: Collection,
  listed: ReadonlySet<string> | undefined,
  plan: Plan,
  first: number,
): Generator<Buffer> {
  if (plan.stage === 'COLLSCAN') {
    yield* collection.scan();
    return;
  }
  if (plan.stage === 'IDHACK') {
    const { raw } = collection.entry(plan.idKey);
    if (raw !== undefined) yield raw;
    return;
  }
  if (listed !== undefined) {
    for (const key of listed) {
      const { raw } = collection.entry(key);
      if (raw !== undefined) yield raw;
    }
    return;
  }
  const seen = plan.multikey ? new Set<string>() : undefined;
  for (const range of plan.ranges) {
    for (const raw of collection.range(plan.index, range, plan.reverse, first)) {
      if (seen !== undefined) {
        const key = idKeyIn(raw);
        if (seen.has(key)) continue;
        seen.add(key);
      }
      yield raw;
    }
  }
}

interface ListedIds {
  readonly keys: ReadonlySet<string>;
  /** The filter demands nothing else: whatever is found this way matches. */
  readonly exact: boolean;
}

/** The keys of `_id: {$in: [...]}`, each once: read through the cache instead of the index. */
function listedIds({ raw, elements: list }: Filter): ListedIds | undefined {
  const id = list.find(({ name }) => name === '_id');
  if (id?.type !== kind.object) return undefined;
  const operators = elements(raw, id.at);
  const given = operators.find(({ name }) => name === '$in');
  if (given?.type !== kind.array) return undefined;
  const keys = new Set<string>();
  for (const { type, at } of elements(raw, given.at)) {
    if (type === kind.regex || type === kind.null || type === kind.array) return undefined;
    keys.add(idKeyOf(raw, type, at));
  }
  return { keys, exact: list.length === 1 && operators.length === 1 };
}

/** A key per document whose byte order is the wanted order. */
export function sortKeyFor(sort: Sort): (raw: Buffer) => Buffer {
  const paths = sort.map(([path, direction]) => ({ path: pathParts(path), direction }));
  return (raw) =>
    Buffer.concat(
      paths.map(({ path, direction }) => {
        const { keys } = valuesAt(raw, path);
        const sorted = keys.length === 1 ? keys : keys.toSorted(Buffer.compare);
        return direction === 1 ? sorted[0]! : inverted(sorted.at(-1)!);
      }),
    );
}

function* inOrder(documents: Iterable<Buffer>, sort: Sort): Generator<Buffer> {
  const keyFor = sortKeyFor(sort);
  const keyed = Array.from(documents, (raw) => ({ raw, key: keyFor(raw) }));
  keyed.sort((a, b) => a.key.compare(b.key));
  for (const { raw } of keyed) yield raw;
}

function* sliced(documents: Iterable<Buffer>, skip: number, limit: number): Generator<Buffer> {
  let position = 0;
  for (const raw of documents) {
    position += 1;
    if (position <= skip) continue;
    yield raw;
    if (limit > 0 && position >= skip + limit) return;
  }
}

export function sortFrom(given: unknown): Sort {
  const entries = Object.entries(given ?? {}) as [string, unknown][];
  if (entries.length === 1 && entries[0]![0] === '$natural' && entries[0]![1] === 1) return [];
  return entries.map(([path, direction]) => {
    if ((direction !== 1 && direction !== -1) || path.startsWith('$')) {
      throw new MongoFailure(2, `sort by ${path}: ${JSON.stringify(direction)} is not supported`);
    }
    return [path, direction] as const;
  });
}
