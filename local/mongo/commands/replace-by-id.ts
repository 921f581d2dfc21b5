import type { Collection } from '#local/mongo/storage/collection.ts';
import { duplicateKey } from '#local/mongo/storage/index-table.ts';
import { idKeyOf } from '#local/mongo/storage/key.ts';
import { int32At, isNumber, isScalar, kind, numberAt, valueAt, valueEnd } from '#local/mongo/protocol/raw.ts';
import { maxDocumentBytes } from '#local/mongo/update/update.ts';

export type Outcome = 'unchanged' | 'changed' | 'unmatched' | 'upserted';

const dollar = 0x24;
const dot = 0x2e;

/**
 * The operation that an entity store lives on: one whole document replaced where `_id` and other top-level fields have
 * given values. Works on the bytes of the operation; answers undefined, having done nothing, for any other operation.
 */
export function replaceById(collection: Collection, operation: Buffer): Outcome | undefined {
  const parts = partsOf(operation);
  if (parts === undefined) return undefined;
  const { filter, replacement, upsert } = parts;
  const id = filter + 4;
  const idAt = valueAt(operation, id);
  const idType = operation[id]!;
  if (!isScalar(idType) || !isId(operation, id)) return undefined;
  const idEnd = valueEnd(operation, idType, idAt);
  const filterEnd = filter + int32At(operation, filter) - 1;
  if (!isPlain(operation, idEnd, filterEnd)) return undefined;
  const body = bodyOf(operation, replacement, id, idEnd);
  if (body === undefined) return undefined;

  const entry = collection.entry(idKeyOf(operation, idType, idAt));
  const current = entry.raw;
  const matched = current === undefined ? 'no' : matches(operation, idEnd, filterEnd, current);
  if (matched === undefined) return undefined;
  if (matched === 'no' && !upsert) return 'unmatched';
  if (matched === 'no' && current !== undefined) {
    throw duplicateKey(`${collection.db}.${collection.name}`, '_id_', { _id: 1 }, current);
  }
  if (current !== undefined && body.hasId && !hasSameId(operation, id, idEnd, current)) return undefined;
  const idLength = current === undefined ? idEnd - id : valueEnd(current, current[4]!, valueAt(current, 4)) - 4;
  const next = Buffer.allocUnsafe(5 + idLength + body.end - body.start);
  if (next.length > maxDocumentBytes) return undefined;
  next.writeInt32LE(next.length, 0);
  if (current === undefined) operation.copy(next, 4, id, idEnd);
  else current.copy(next, 4, 4, 4 + idLength);
  operation.copy(next, 4 + idLength, body.start, body.end);
  next[next.length - 1] = 0;
  if (current?.equals(next) === true) return 'unchanged';
  collection.put(entry, next);
  return current === undefined ? 'upserted' : 'changed';
}

interface Parts {
  readonly filter: number;
  readonly replacement: number;
  readonly upsert: boolean;
}

/** `{q, u, multi: false, upsert}` and nothing else. */
function partsOf(operation: Buffer): Parts | undefined {
  const end = operation.length - 1;
  let filter = -1;
  let replacement = -1;
  let upsert = false;
  for (let element = 4; element < end;) {
    const type = operation[element]!;
    const at = valueAt(operation, element);
    const length = at - element - 2;
    const first = operation[element + 1];
    if (length === 1 && first === 0x71 && type === kind.object) filter = at;
    else if (length === 1 && first === 0x75 && type === kind.object) replacement = at;
    else if (length === 6 && type === kind.boolean && operation.toString('latin1', element + 1, at - 1) === 'upsert')
      upsert = operation[at] === 1;
    else if (length !== 5 || type !== kind.boolean || operation[at] !== 0 || first !== 0x6d) return undefined;
    element = valueEnd(operation, type, at);
  }
  return filter === -1 || replacement === -1 ? undefined : { filter, replacement, upsert };
}

function isId(bytes: Buffer, element: number): boolean {
  return (
    bytes[element + 1] === 0x5f &&
    bytes[element + 2] === 0x69 &&
    bytes[element + 3] === 0x64 &&
    bytes[element + 4] === 0
  );
}

/** Whether the elements are equalities of scalars at the top level. */
function isPlain(bytes: Buffer, start: number, end: number): boolean {
  for (let element = start; element < end;) {
    if (!isScalar(bytes[element]!) || bytes[element + 1] === dollar || isId(bytes, element)) return false;
    const at = valueAt(bytes, element);
    for (let byte = element + 1; byte < at; byte += 1) if (bytes[byte] === dot) return false;
    element = valueEnd(bytes, bytes[element]!, at);
  }
  return true;
}

/** The fields of a replacement without its `_id`, which must come first and be the filter's, or be missing. */
function bodyOf(
  bytes: Buffer,
  document: number,
  id: number,
  idEnd: number,
): { readonly start: number; readonly end: number; readonly hasId: boolean } | undefined {
  const end = document + int32At(bytes, document) - 1;
  let start = document + 4;
  const hasId = start < end && isId(bytes, start);
  if (hasId) {
    const ownEnd = valueEnd(bytes, bytes[start]!, valueAt(bytes, start));
    if (bytes.compare(bytes, id, idEnd, start, ownEnd) !== 0) return undefined;
    start = ownEnd;
  }
  for (let element = start; element < end;) {
    if (bytes[element + 1] === dollar || isId(bytes, element)) return undefined;
    element = valueEnd(bytes, bytes[element]!, valueAt(bytes, element));
  }
  return { start, end, hasId };
}

/** Whether the document's `_id` is the same to the byte: 1 and 1.0 find each other, and differ. */
function hasSameId(bytes: Buffer, id: number, idEnd: number, document: Buffer): boolean {
  const end = valueEnd(document, document[4]!, valueAt(document, 4));
  return document.compare(bytes, id, idEnd, 4, end) === 0;
}

function matches(filter: Buffer, start: number, end: number, document: Buffer): 'yes' | 'no' | undefined {
  for (let element = start; element < end;) {
    const type = filter[element]!;
    const at = valueAt(filter, element);
    const after = valueEnd(filter, type, at);
    const other = elementLike(document, filter, element + 1, at);
    if (other === -1) return 'no';
    const otherType = document[other]!;
    const otherAt = valueAt(document, other);
    if (isNumber(type) && isNumber(otherType)) {
      if (numberAt(filter, type, at) != numberAt(document, otherType, otherAt)) return 'no';
    } else if (type !== otherType) return isScalar(otherType) || otherType === kind.object ? 'no' : undefined;
    else if (document.compare(filter, at, after, otherAt, valueEnd(document, type, otherAt)) !== 0) return 'no';
    element = after;
  }
  return 'yes';
}

/** The element of a document with the name at `start` to `end` (with its final zero) of other bytes; -1 if there is none. */
function elementLike(document: Buffer, bytes: Buffer, start: number, end: number): number {
  const last = document.length - 1;
  const length = end - start;
  for (let element = 4; element < last;) {
    let same = 0;
    while (same < length && document[element + 1 + same] === bytes[start + same]) same += 1;
    if (same === length) return element;
    element = valueEnd(document, document[element]!, valueAt(document, element));
  }
  return -1;
}
