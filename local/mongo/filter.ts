import { Query } from 'mingo';
import { reasonOf } from '#shared/errors.ts';
import { MongoFailure } from './failure.ts';
import { idKeyOf } from './key.ts';
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
} from './raw.ts';

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

interface Equality {
  readonly name: Buffer;
  readonly type: number;
  readonly at: number;
  readonly end: number;
}

export function compileFilter(raw: Buffer): Filter {
  const list = elements(raw);
  const equalities = equalitiesOf(list);
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
      if (equalities === undefined) compiled();
    },
    matches(document) {
      if (equalities === undefined) return compiled().test(decode(document));
      for (const equality of equalities) {
        const verdict = compare(raw, equality, document);
        if (verdict === 'no') return false;
        if (verdict === 'unknown') return compiled().test(decode(document));
      }
      return true;
    },
  };
}

function equalitiesOf(list: readonly Element[]): Equality[] | undefined {
  const equalities: Equality[] = [];
  for (const { name, type, at, end } of list) {
    if (!isScalar(type) || name.startsWith('$') || name.includes('.')) return undefined;
    equalities.push({ name: Buffer.from(name), type, at, end });
  }
  return equalities;
}

function compare(filter: Buffer, { name, type, at, end }: Equality, document: Buffer): Verdict {
  const element = findElement(document, name);
  if (element === -1) return 'no';
  const otherType = document[element]!;
  const otherAt = valueAt(document, element);
  if (isNumber(type)) {
    if (isNumber(otherType)) return numberAt(filter, type, at) == numberAt(document, otherType, otherAt) ? 'yes' : 'no';
  } else if (otherType === type) {
    return document.compare(filter, at, end, otherAt, valueEnd(document, type, otherAt)) === 0 ? 'yes' : 'no';
  }
  return otherType === kind.array || otherType === kind.decimal || otherType === 0x0e ? 'unknown' : 'no';
}
