import { Query } from 'mingo';
import { MongoFailure } from '#local/mongo/protocol/failure.ts';
import { type Doc, decode, findElement } from '#local/mongo/protocol/raw.ts';

export interface IndexSpec {
  readonly name: string;
  readonly key: readonly (readonly [path: string, direction: 1 | -1])[];
  readonly unique: boolean;
  readonly sparse: boolean;
  readonly expireAfterSeconds?: number;
  readonly partialFilterExpression?: Doc;
}

const allowed = new Set(['key', 'name', 'v', 'ns', 'unique', 'sparse', 'background', 'hidden', 'collation']);

/** Checks one entry of `createIndexes`; kinds of indexes that this server lacks are refused. */
export function indexSpecFrom(given: Doc): IndexSpec {
  const { key, name, unique, sparse, expireAfterSeconds, partialFilterExpression, collation } = given;
  if (typeof name !== 'string' || name === '') throw new MongoFailure(9, 'an index needs a name');
  if (typeof key !== 'object' || key === null || Object.keys(key).length === 0) {
    throw new MongoFailure(67, `index ${name} needs a key`);
  }
  for (const option of Object.keys(given)) {
    if (allowed.has(option) || option === 'expireAfterSeconds' || option === 'partialFilterExpression') continue;
    throw new MongoFailure(197, `index option ${option} is not supported`);
  }
  if (collation !== undefined && (collation as Doc)['locale'] !== 'simple') {
    throw new MongoFailure(197, 'only the simple collation is supported');
  }
  return {
    name,
    key: Object.entries(key).map(([path, direction]) => [path, directionOf(path, direction)] as const),
    unique: unique === true || unique === 1,
    sparse: sparse === true || sparse === 1,
    ...(expireAfterSeconds === undefined ? {} : { expireAfterSeconds: secondsOf(expireAfterSeconds, key) }),
    ...(partialFilterExpression === undefined ? {} : { partialFilterExpression: partialFilterExpression as Doc }),
  };
}

function directionOf(path: string, direction: unknown): 1 | -1 {
  if (typeof direction !== 'number' || direction === 0 || Number.isNaN(direction)) {
    throw new MongoFailure(67, `index kind ${JSON.stringify(direction)} of ${path} is not supported`);
  }
  if (path === '' || path.startsWith('.') || path.endsWith('.') || path.includes('$')) {
    throw new MongoFailure(67, `${JSON.stringify(path)} cannot be indexed`);
  }
  return direction > 0 ? 1 : -1;
}

function secondsOf(value: unknown, key: object): number {
  if (typeof value !== 'number' || value < 0 || value > 2147483647) {
    throw new MongoFailure(67, 'expireAfterSeconds must be from 0 to 2147483647');
  }
  if (Object.keys(key).length > 1) throw new MongoFailure(67, 'a compound index cannot expire documents');
  return value;
}

/** The specification as `listIndexes` shows it. */
export function describe({ name, key, unique, sparse, expireAfterSeconds, partialFilterExpression }: IndexSpec): Doc {
  return {
    v: 2,
    key: Object.fromEntries(key),
    name,
    ...(unique ? { unique } : {}),
    ...(sparse ? { sparse } : {}),
    ...(expireAfterSeconds === undefined ? {} : { expireAfterSeconds }),
    ...(partialFilterExpression === undefined ? {} : { partialFilterExpression }),
  };
}

/** Whether a document belongs into a partial index. */
export function membership(spec: IndexSpec): ((raw: Buffer) => boolean) | undefined {
  if (spec.partialFilterExpression === undefined) return undefined;
  const wanted = existing(spec.partialFilterExpression);
  if (wanted !== undefined) return (raw) => wanted.every((name) => findElement(raw, name) !== -1);
  const query = new Query(spec.partialFilterExpression, {});
  return (raw) => query.test(decode(raw));
}

/** The names of the top-level fields that must be there, when that is all that the expression demands: no document is decoded for it. */
function existing(expression: Doc): readonly Buffer[] | undefined {
  const conditions = Object.entries(expression);
  const isExistence = ([name, condition]: readonly [string, unknown]): boolean =>
    !name.startsWith('$') && !name.includes('.') && JSON.stringify(condition) === '{"$exists":true}';
  return conditions.every(isExistence) ? conditions.map(([name]) => Buffer.from(name)) : undefined;
}
