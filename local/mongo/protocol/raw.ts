import { deserialize, serialize } from 'bson';
import { MongoFailure } from './failure.ts';

/**
 * BSON read in place (https://bsonspec.org/spec.html). An element is named by the offset of its type byte; -1 means that
 * there is none. The hot paths of the server never decode a whole document.
 */
export const kind = {
  double: 0x01,
  string: 0x02,
  object: 0x03,
  array: 0x04,
  binary: 0x05,
  undefined: 0x06,
  objectId: 0x07,
  boolean: 0x08,
  date: 0x09,
  null: 0x0a,
  regex: 0x0b,
  int32: 0x10,
  timestamp: 0x11,
  int64: 0x12,
  decimal: 0x13,
} as const;

export type Doc = Record<string, unknown>;

export function int32At(bytes: Buffer, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function cstringEnd(bytes: Buffer, at: number): number {
  let end = at;
  while (bytes[end] !== 0) {
    if (end >= bytes.length) throw new MongoFailure(9, 'a BSON name has no end');
    end += 1;
  }
  return end;
}

/** Where the value of the element at `element` starts. */
export function valueAt(bytes: Buffer, element: number): number {
  let at = element + 1;
  while (bytes[at] !== 0) at += 1;
  return at + 1;
}

/** Where the value of type `type` that starts at `at` ends. */
export function valueEnd(bytes: Buffer, type: number, at: number): number {
  switch (type) {
    case 0x02:
    case 0x0d:
    case 0x0e:
      return at + 4 + int32At(bytes, at);
    case 0x10:
      return at + 4;
    case 0x01:
    case 0x09:
    case 0x11:
    case 0x12:
      return at + 8;
    case 0x03:
    case 0x04:
    case 0x0f:
      return at + int32At(bytes, at);
    case 0x08:
      return at + 1;
    case 0x07:
      return at + 12;
    case 0x05:
      return at + 5 + int32At(bytes, at);
    case 0x0a:
    case 0x06:
    case 0xff:
    case 0x7f:
      return at;
    case 0x0b:
      return cstringEnd(bytes, cstringEnd(bytes, at) + 1) + 1;
    case 0x0c:
      return at + 4 + int32At(bytes, at) + 12;
    case 0x13:
      return at + 16;
    default:
      throw new MongoFailure(9, `unknown BSON type ${type}`);
  }
}

/** The element `name` of the document that starts at `start`; -1 if it has none. */
export function findElement(bytes: Buffer, name: Buffer, start = 0): number {
  const end = start + int32At(bytes, start) - 1;
  const length = name.length;
  let at = start + 4;
  while (at < end) {
    const type = bytes[at]!;
    let same = 0;
    let cursor = at + 1;
    while (same < length && bytes[cursor] === name[same]) {
      same += 1;
      cursor += 1;
    }
    const found = same === length && bytes[cursor] === 0;
    if (found) return at;
    while (bytes[cursor] !== 0) cursor += 1;
    at = valueEnd(bytes, type, cursor + 1);
  }
  return -1;
}

export function isNumber(type: number): boolean {
  return type === kind.int32 || type === kind.double || type === kind.int64;
}

/** Types whose equality is that of their bytes, and numbers. */
export function isScalar(type: number): boolean {
  return (
    type === kind.string || type === kind.objectId || type === kind.date || type === kind.boolean || isNumber(type)
  );
}

/** Compare with `==`: then a bigint equals a number of the same value. */
export function numberAt(bytes: Buffer, type: number, at: number): number | bigint {
  if (type === kind.int32) return int32At(bytes, at);
  return type === kind.double ? bytes.readDoubleLE(at) : bytes.readBigInt64LE(at);
}

export interface Element {
  readonly name: string;
  readonly type: number;
  /** Offset of the type byte. */
  readonly element: number;
  /** Offsets of the value. */
  readonly at: number;
  readonly end: number;
}

/** All elements of the document that starts at `start`, in their order. */
export function elements(bytes: Buffer, start = 0): Element[] {
  const list: Element[] = [];
  const end = start + int32At(bytes, start) - 1;
  let element = start + 4;
  while (element < end) {
    const type = bytes[element]!;
    const nameEnd = cstringEnd(bytes, element + 1);
    const after = valueEnd(bytes, type, nameEnd + 1);
    list.push({ name: bytes.toString('latin1', element + 1, nameEnd), type, element, at: nameEnd + 1, end: after });
    element = after;
  }
  for (const [index, { name, element: at }] of list.entries()) {
    if (/[\u0080-\u00ff]/.test(name))
      list[index] = { ...list[index]!, name: bytes.toString('utf8', at + 1, at + 1 + name.length) };
  }
  return list;
}

/** A document of the given raw elements (each: type byte, name, value). */
export function fromElements(parts: readonly Buffer[]): Buffer {
  let size = 5;
  for (const part of parts) size += part.length;
  const out = Buffer.allocUnsafe(size);
  out.writeInt32LE(size, 0);
  let at = 4;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  out[at] = 0;
  return out;
}

/** Numbers become JavaScript numbers: for mingo and for command options. */
export function decode(bytes: Buffer): Doc {
  return deserialize(bytes, { promoteBuffers: false });
}

/** Every BSON type keeps its own class, so that encoding gives the same bytes. */
export function decodeTyped(bytes: Buffer): Doc {
  return deserialize(bytes, {
    promoteValues: false,
    promoteLongs: false,
    promoteBuffers: false,
    bsonRegExp: true,
  });
}

export function encode(document: Doc): Buffer {
  const bytes = serialize(document, { ignoreUndefined: false });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The value of one element, decoded like `decode`. */
export function decodeElement(bytes: Buffer, { type, element, at, end }: Element): unknown {
  switch (type) {
    case kind.string:
      return bytes.toString('utf8', at + 4, end - 1);
    case kind.int32:
      return int32At(bytes, at);
    case kind.boolean:
      return bytes[at] === 1;
    case kind.double:
      return bytes.readDoubleLE(at);
    case kind.object:
      return decode(bytes.subarray(at, end));
    default: {
      const wrapped = decode(fromElements([bytes.subarray(element, end)]));
      return wrapped[Object.keys(wrapped)[0]!];
    }
  }
}
