import { Query } from 'mingo';
import { reasonOf } from '#shared/errors.ts';
import { MongoFailure } from '#local/mongo/protocol/failure.ts';
import { idKeyOf, keyOf } from '#local/mongo/storage/key.ts';
import {
  type Doc,
  type Element,
  decode,
  elements,
  findElement,
  isNumber,
  isScalar,
  kind,
  numberAt,
  valueAt,
  valueEnd,
} from '#local/mongo/protocol/raw.ts';

/** A compiled filter. Plain equalities are compared in raw BSON; everything else is mingo's. */
export interface Filter {
  readonly raw: Buffer;
  readonly elements: readonly Element[];
  /** The cache key of the one `_id` that can match, if the filter demands one. */
  readonly idKey: string | undefined;
  /** The filter, decoded. */
  criteria(): Doc;
  matches(document: Buffer): boolean;
  /** Throws for operators that are unknown, also when there is nothing to match. */
  check(): void;
}

type Verdict = 'yes' | 'no' | 'unknown';

/** One plain condition on one top-level field; `unknown` for what only mingo can tell, such as arrays. */
type Condition = (document: Buffer) => Verdict;

export function compileFilter(raw: Buffer): Filter {
  const list = elements(raw);
  const conditions = conditionsOf(raw, list);
  const id = list.find(({ name, type }) => name === '_id' && isScalar(type));
  let criteria: Doc | undefined;
  let query: Query | undefined;

  function decoded(): Doc {
    criteria ??= decode(raw);
    return criteria;
  }

  function compiled(): Query {
    try {
      query ??= new Query(decoded(), { scriptEnabled: false });
      return query;
    } catch (error) {
      throw new MongoFailure(2, reasonOf(error), {}, { cause: error });
    }
  }

  return {
    raw,
    elements: list,
    idKey: id === undefined ? undefined : idKeyOf(raw, id.type, id.at),
    criteria: decoded,
    check() {
      if (conditions === undefined) compiled();
    },
    matches(document) {
      if (conditions === undefined) return compiled().test(decode(document));
      for (const condition of conditions) {
        const verdict = condition(document);
        if (verdict === 'no') return false;
        if (verdict === 'unknown') return compiled().test(decode(document));
      }
      return true;
    },
  };
}

function conditionsOf(raw: Buffer, list: readonly Element[]): Condition[] | undefined {
  const conditions: Condition[] = [];
  for (const { name, type, at, end } of list) {
    if (name.startsWith('$') || name.includes('.')) return undefined;
    if (isScalar(type)) conditions.push(equality(raw, Buffer.from(name), type, at, end));
    else if (type === kind.object) {
      const operators = elements(raw, at);
      for (const operator of operators) {
        const comparison = comparisonOf(raw, Buffer.from(name), operator);
        if (comparison === undefined) return undefined;
        conditions.push(comparison);
      }
      if (operators.length === 0) return undefined;
    } else return undefined;
  }
  return conditions;
}

function equality(filter: Buffer, name: Buffer, type: number, at: number, end: number): Condition {
  return (document) => {
    const element = findElement(document, name);
    if (element === -1) return 'no';
    const otherType = document[element]!;
    const otherAt = valueAt(document, element);
    if (isNumber(type) && isNumber(otherType)) {
      return numberAt(filter, type, at) == numberAt(document, otherType, otherAt) ? 'yes' : 'no';
    }
    if (otherType !== type) return isPlainType(otherType) ? 'no' : 'unknown';
    return document.compare(filter, at, end, otherAt, valueEnd(document, type, otherAt)) === 0 ? 'yes' : 'no';
  };
}

const comparisons: Readonly<Record<string, (order: number) => boolean>> = {
  $gt: (order) => order > 0,
  $gte: (order) => order >= 0,
  $lt: (order) => order < 0,
  $lte: (order) => order <= 0,
};

/** A comparison matches only values of its operand's type; keys start with the type. */
function comparisonOf(filter: Buffer, name: Buffer, operator: Element): Condition | undefined {
  const holds = Object.hasOwn(comparisons, operator.name) ? comparisons[operator.name] : undefined;
  if (holds === undefined || !isScalar(operator.type)) return undefined;
  if (operator.type === kind.double && Number.isNaN(filter.readDoubleLE(operator.at))) return undefined;
  const bound = keyOf(filter, operator.type, operator.at);
  return (document) => {
    const element = findElement(document, name);
    if (element === -1) return 'no';
    const type = document[element]!;
    if (!isPlainType(type)) return 'unknown';
    if (!isScalar(type)) return 'no';
    const key = keyOf(document, type, valueAt(document, element));
    return key[0] === bound[0] && holds(key.compare(bound)) ? 'yes' : 'no';
  };
}

/** Types that are neither arrays nor compared in a way of their own. */
function isPlainType(type: number): boolean {
  return type !== kind.array && type !== kind.decimal && type !== 0x0e;
}
