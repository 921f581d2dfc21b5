import { ObjectId } from 'bson';
import { MongoFailure } from '#local/mongo/protocol/failure.ts';
import type { Filter } from '#local/mongo/query/filter.ts';
import { keyOfValue } from '#local/mongo/storage/key.ts';
import {
  type Doc,
  type Element,
  decodeTyped,
  elements,
  encode,
  fromElements,
  kind,
} from '#local/mongo/protocol/raw.ts';
import { compileOperators } from './update-operators.ts';

export const maxDocumentBytes = 16 * 1024 * 1024;

/** A compiled update: what it makes of a document, or of nothing. */
export interface Update {
  /** Whether it replaces whole documents; such an update cannot be `multi`. */
  readonly replaces: boolean;
  apply(current: Buffer, nowMs: number): Buffer;
  /** The document that an upsert inserts, from the update and the equalities of the filter. `_id` is its first field. */
  create(filter: Filter, nowMs: number): Buffer;
}

export function compileUpdate(raw: Buffer): Update {
  const list = elements(raw);
  const operators = list.filter(({ name }) => name.startsWith('$'));
  if (operators.length === 0) return replacement(raw, list);
  if (operators.length < list.length) throw new MongoFailure(9, 'an update has operators or fields, not both');
  return spliced(raw, operators) ?? operated(raw);
}

function replacement(raw: Buffer, list: readonly Element[]): Update {
  const first = list[0];
  const own = list.find(({ name }) => name === '_id');
  const ownId = own === undefined ? undefined : raw.subarray(own.element, own.end);
  const others = own === undefined || own === first ? undefined : list.filter((each) => each !== own);

  function withId(id: Buffer): Buffer {
    if (own === undefined) return fromElements([id, raw.subarray(4, raw.length - 1)]);
    if (own === first) return Buffer.from(raw);
    return fromElements([id, ...others!.map(({ element, end }) => raw.subarray(element, end))]);
  }

  return {
    replaces: true,
    apply(current) {
      const id = idOf(current);
      if (ownId !== undefined) refuseOtherId(id, ownId);
      return withId(ownId ?? id);
    },
    create(filter) {
      const demanded =
        ownId === undefined || filter.elements.some(({ name }) => name === '_id') ? filterId(filter) : undefined;
      if (ownId !== undefined && demanded !== undefined) refuseOtherId(demanded, ownId);
      return withId(ownId ?? demanded ?? newId());
    },
  };
}

/** `$set`, `$unset` and `$setOnInsert` of top-level fields: elements are exchanged without decoding the document. */
function spliced(raw: Buffer, operators: readonly Element[]): Update | undefined {
  const set = new Map<string, Buffer>();
  const unset = new Set<string>();
  const onInsert = new Map<string, Buffer>();
  for (const { name: operator, type, at } of operators) {
    if (type !== kind.object) return undefined;
    for (const { name, element, end } of elements(raw, at)) {
      const simple = name !== '' && name !== '_id' && !name.startsWith('$') && !name.includes('.');
      if (!simple || set.has(name) || unset.has(name) || onInsert.has(name)) return undefined;
      if (operator === '$set') set.set(name, raw.subarray(element, end));
      else if (operator === '$unset') unset.add(name);
      else if (operator === '$setOnInsert') onInsert.set(name, raw.subarray(element, end));
      else return undefined;
    }
  }

  function over(current: Buffer, changes: ReadonlyMap<string, Buffer>): Buffer {
    const parts: Buffer[] = [];
    const used = new Set<string>();
    for (const { name, element, end } of elements(current)) {
      if (unset.has(name)) continue;
      const change = changes.get(name);
      if (change !== undefined) used.add(name);
      parts.push(change ?? current.subarray(element, end));
    }
    const added = [...changes.keys()].filter((name) => !used.has(name));
    for (const name of added.length > 1 ? added.sort() : added) parts.push(changes.get(name)!);
    return fromElements(parts);
  }

  return {
    replaces: false,
    apply: (current) => over(current, set),
    create: (filter) => over(encode(seedOf(filter)), new Map([...set, ...onInsert])),
  };
}

function operated(raw: Buffer): Update {
  const updater = compileOperators(decodeTyped(raw));
  return {
    replaces: false,
    apply(current, nowMs) {
      const document = decodeTyped(current);
      updater(document, { inserting: false, nowMs });
      const changed = encode(document);
      refuseOtherId(idOf(current), idOf(changed));
      return changed;
    },
    create(filter, nowMs) {
      const seed = seedOf(filter);
      const demanded = filterId(filter);
      if (demanded === undefined) delete seed['_id'];
      updater(seed, { inserting: true, nowMs });
      const { _id = new ObjectId(), ...rest } = seed;
      const created = encode({ _id, ...rest });
      if (demanded !== undefined) refuseOtherId(demanded, idOf(created));
      return created;
    },
  };
}

/** The raw `_id` element of a document; empty if it has none. */
export function idOf(raw: Buffer): Buffer {
  const found = elements(raw).find(({ name }) => name === '_id');
  return found === undefined ? Buffer.alloc(0) : raw.subarray(found.element, found.end);
}

function newId(): Buffer {
  return idOf(encode({ _id: new ObjectId() }));
}

/** The document as it is stored: `_id` first, made up if there is none. */
export function withIdFirst(raw: Buffer): Buffer {
  if (raw[5] === 0x5f && raw[6] === 0x69 && raw[7] === 0x64 && raw[8] === 0) return Buffer.from(raw);
  const list = elements(raw);
  if (list[0]?.name === '_id') return Buffer.from(raw);
  const own = list.find(({ name }) => name === '_id');
  const others = list.filter((each) => each !== own).map(({ element, end }) => raw.subarray(element, end));
  return fromElements([own === undefined ? newId() : raw.subarray(own.element, own.end), ...others]);
}

function refuseOtherId(id: Buffer, other: Buffer): void {
  if (id.equals(other)) return;
  const [a, b] = [id, other].map((element) => keyOfValue(decodeTyped(fromElements([element]))['_id']));
  if (!a!.equals(b!)) throw new MongoFailure(66, "the update would change the immutable field '_id'");
}

function filterId(filter: Filter): Buffer | undefined {
  const seed = seedOf(filter, false);
  return seed['_id'] === undefined ? undefined : idOf(encode({ _id: seed['_id'] }));
}

/** The fields that a filter fixes by equality, with an `_id`. */
function seedOf(filter: Filter, withNewId = true): Doc {
  const seed: Doc = withNewId ? { _id: undefined } : {};
  const dotted: Doc = {};
  gather(decodeTyped(filter.raw), seed, dotted);
  if (withNewId && seed['_id'] === undefined) seed['_id'] = new ObjectId();
  if (Object.keys(dotted).length > 0) compileOperators({ $set: dotted })(seed, { inserting: true, nowMs: 0 });
  return seed;
}

function gather(conditions: Doc, seed: Doc, dotted: Doc): void {
  for (const [path, condition] of Object.entries(conditions)) {
    if (path === '$and' || (path === '$or' && (condition as unknown[]).length === 1)) {
      for (const part of condition as Doc[]) gather(part, seed, dotted);
      continue;
    }
    if (path.startsWith('$')) continue;
    const value = equalityOf(condition);
    if (value === undefined) continue;
    if (path.includes('.')) dotted[path] = value;
    else seed[path] = value;
  }
}

function equalityOf(condition: unknown): unknown {
  if (typeof condition !== 'object' || condition === null || Array.isArray(condition)) return condition;
  if ((condition as { _bsontype?: string })._bsontype === 'BSONRegExp') return undefined;
  if ('_bsontype' in condition || condition instanceof Date) return condition;
  const fields = condition as Doc;
  const first = Object.keys(fields)[0];
  if (first === undefined || !first.startsWith('$')) return fields;
  const listed = fields['$in'];
  if ('$eq' in fields) return fields['$eq'];
  return Array.isArray(listed) && listed.length === 1 ? (listed as unknown[])[0] : undefined;
}
