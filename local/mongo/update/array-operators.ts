import { Query } from 'mingo';
import { MongoFailure } from '#local/mongo/protocol/failure.ts';
import { keyOfValue } from '#local/mongo/storage/key.ts';
import { type Doc, decode, encode } from '#local/mongo/protocol/raw.ts';
import { sortFrom, sortKeyFor } from '#local/mongo/query/select.ts';

/** Equal as MongoDB compares: numbers by value whatever their type, objects field by field in their order. */
function equal(a: unknown, b: unknown): boolean {
  return keyOfValue(a).equals(keyOfValue(b));
}

function isPlain(value: unknown): value is Doc {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !('_bsontype' in value) &&
    !(value instanceof Date)
  );
}

function arrayAt(operator: string, path: string, current: unknown): unknown[] {
  if (current === undefined) return [];
  if (Array.isArray(current)) return current as unknown[];
  throw new MongoFailure(2, `${operator} needs an array at ${path}`);
}

export function push(path: string, current: unknown, operand: unknown): unknown[] {
  const items = [...arrayAt('$push', path, current)];
  if (!isPlain(operand) || operand['$each'] === undefined) return [...items, operand];
  const { $each, $position, $slice, $sort, ...unknown } = operand;
  if (!Array.isArray($each)) throw new MongoFailure(2, '$each needs an array');
  if (Object.keys(unknown).length > 0)
    throw new MongoFailure(2, `$push does not know ${Object.keys(unknown).join(', ')}`);
  items.splice($position === undefined ? items.length : Number($position), 0, ...($each as unknown[]));
  if ($sort !== undefined) sortItems(items, $sort);
  if ($slice === undefined) return items;
  const count = Number($slice);
  return count === 0 ? [] : count > 0 ? items.slice(0, count) : items.slice(count);
}

function sortItems(items: unknown[], order: unknown): void {
  const whole = !isPlain(order);
  const plain = decode(encode(whole ? { v: order } : order));
  const keyFor = sortKeyFor(sortFrom(plain));
  const keyed = items.map((item) => ({ item, key: keyFor(encode(whole ? { v: item } : isPlain(item) ? item : {})) }));
  keyed.sort((a, b) => a.key.compare(b.key));
  for (const [index, { item }] of keyed.entries()) items[index] = item;
}

export function addToSet(path: string, current: unknown, operand: unknown): unknown[] {
  const items = [...arrayAt('$addToSet', path, current)];
  const added = isPlain(operand) && operand['$each'] !== undefined ? operand['$each'] : [operand];
  if (!Array.isArray(added)) throw new MongoFailure(14, '$each needs an array');
  for (const value of added as unknown[]) if (!items.some((item) => equal(item, value))) items.push(value);
  return items;
}

export function pull(path: string, current: unknown, condition: unknown): unknown[] {
  const items = arrayAt('$pull', path, current);
  if (!isPlain(condition) && (condition as { _bsontype?: string } | null)?._bsontype !== 'BSONRegExp') {
    return items.filter((item) => !equal(item, condition));
  }
  const operators = !isPlain(condition) || Object.keys(condition)[0]?.startsWith('$') === true;
  const query = new Query(decode(encode(operators ? { v: condition } : condition)), { scriptEnabled: false });
  return items.filter((item) => {
    if (operators) return !query.test(decode(encode({ v: item })));
    return !isPlain(item) || !query.test(decode(encode(item)));
  });
}

export function pullAll(path: string, current: unknown, values: unknown): unknown[] {
  if (!Array.isArray(values)) throw new MongoFailure(2, '$pullAll needs an array');
  return arrayAt('$pullAll', path, current).filter((item) => !values.some((value) => equal(item, value)));
}

export function pop(path: string, current: unknown, end: unknown): unknown[] {
  const side = Number(end);
  if (side !== 1 && side !== -1) throw new MongoFailure(9, '$pop takes 1 or -1');
  const items = arrayAt('$pop', path, current);
  return side === 1 ? items.slice(0, -1) : items.slice(1);
}
