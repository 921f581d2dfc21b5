import { Decimal128 } from 'bson';
import { encode, findElement, int32At, kind, valueAt, valueEnd } from '#local/mongo/protocol/raw.ts';

/**
 * Order-preserving keys: comparing two keys byte by byte gives MongoDB's order of the values, across types (null, numbers,
 * strings, objects, arrays, binary, ObjectId, boolean, date, timestamp, regex). All number types of one value give one key.
 */
const rank = { min: 0x02, empty: 0x08, null: 0x10, number: 0x20, string: 0x30, object: 0x40, array: 0x50 } as const;
const ranks: Readonly<Record<number, number>> = {
  [0xff]: rank.min,
  [kind.undefined]: rank.null,
  [kind.null]: rank.null,
  [kind.double]: rank.number,
  [kind.int32]: rank.number,
  [kind.int64]: rank.number,
  [kind.decimal]: rank.number,
  [kind.string]: rank.string,
  0x0e: rank.string,
  [kind.object]: rank.object,
  [kind.array]: rank.array,
  [kind.binary]: 0x60,
  [kind.objectId]: 0x70,
  [kind.boolean]: 0x80,
  [kind.date]: 0x90,
  [kind.timestamp]: 0xa0,
  [kind.regex]: 0xb0,
  0x0d: 0xc0,
  0x0c: 0xc4,
  0x0f: 0xc8,
  [0x7f]: 0xf0,
};

let scratch = Buffer.allocUnsafeSlow(4096);
let used = 0;

function room(bytes: number): void {
  if (used + bytes <= scratch.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(scratch.length * 2, used + bytes));
  scratch.copy(larger, 0, 0, used);
  scratch = larger;
}

function byte(value: number): void {
  room(1);
  scratch[used] = value;
  used += 1;
}

function number(value: number, rest: number): void {
  room(10);
  scratch.writeDoubleBE(value === 0 ? 0 : Number.isNaN(value) ? -Infinity : value, used);
  if ((scratch[used]! & 0x80) === 0) scratch[used]! ^= 0x80;
  else for (let index = used; index < used + 8; index += 1) scratch[index]! ^= 0xff;
  scratch.writeUInt16BE(0x8000 + rest, used + 8);
  used += 10;
}

function escaped(bytes: Buffer, from: number, to: number): void {
  room((to - from) * 2 + 2);
  for (let at = from; at < to; at += 1) {
    const value = bytes[at]!;
    scratch[used] = value;
    used += 1;
    if (value === 0) {
      scratch[used] = 0xff;
      used += 1;
    }
  }
  scratch[used] = 0;
  scratch[used + 1] = 0;
  used += 2;
}

function nested(bytes: Buffer, start: number): void {
  const end = start + int32At(bytes, start) - 1;
  let at = start + 4;
  while (at < end) {
    const value = valueAt(bytes, at);
    byte(ranks[bytes[at]!] ?? 0xd0);
    escaped(bytes, at + 1, value - 1);
    append(bytes, bytes[at]!, value);
    at = valueEnd(bytes, bytes[at]!, value);
  }
  byte(0);
}

function append(bytes: Buffer, type: number, at: number): void {
  byte(ranks[type] ?? 0xd0);
  switch (type) {
    case kind.int32:
      return number(int32At(bytes, at), 0);
    case kind.double:
      return number(bytes.readDoubleLE(at), Number.isNaN(bytes.readDoubleLE(at)) ? -1 : 0);
    case kind.int64: {
      const exact = bytes.readBigInt64LE(at);
      return number(Number(exact), Number(exact - BigInt(Number(exact))));
    }
    case kind.decimal: {
      const text = new Decimal128(bytes.subarray(at, at + 16)).toString();
      return number(Number(text), String(Number(text)) === text ? 0 : 1);
    }
    case kind.string:
      return escaped(bytes, at + 4, at + 4 + int32At(bytes, at) - 1);
    case kind.boolean:
      return byte(bytes[at]!);
    case kind.date: {
      room(8);
      scratch.writeBigUInt64BE(BigInt.asUintN(64, bytes.readBigInt64LE(at)) ^ (1n << 63n), used);
      used += 8;
      return;
    }
    case kind.timestamp: {
      room(8);
      scratch.writeBigUInt64BE(bytes.readBigUInt64LE(at), used);
      used += 8;
      return;
    }
    case kind.object:
    case kind.array:
      return nested(bytes, at);
    case kind.binary:
      room(4);
      scratch.writeUInt32BE(int32At(bytes, at), used);
      used += 4;
      byte(bytes[at + 4]!);
      return escaped(bytes, at + 5, valueEnd(bytes, type, at));
    default:
      return escaped(bytes, at, valueEnd(bytes, type, at));
  }
}

/** The key of one value: rank, then content. */
export function keyOf(bytes: Buffer, type: number, at: number): Buffer {
  used = 0;
  append(bytes, type, at);
  return Buffer.from(scratch.subarray(0, used));
}

/** The key of an `_id` as a string of its bytes: the key of the cache. */
export function idKeyOf(bytes: Buffer, type: number, at: number): string {
  used = 0;
  append(bytes, type, at);
  return scratch.toString('latin1', 0, used);
}

const idName = Buffer.from('_id');

/** The cache key of the `_id` of a raw document that has one. */
export function idKeyIn(raw: Buffer): string {
  const element = raw[5] === 0x5f && raw[6] === 0x69 && raw[7] === 0x64 && raw[8] === 0 ? 4 : findElement(raw, idName);
  return idKeyOf(raw, raw[element]!, element === 4 ? 9 : valueAt(raw, element));
}

/** The key of a decoded value. */
export function keyOfValue(value: unknown): Buffer {
  const bytes = encode({ v: value });
  return keyOf(bytes, bytes[4]!, 7);
}

export const nullKey = Buffer.from([rank.null]);
/** What an empty array leaves in an index: below null, found by nothing but a scan of the index. */
export const emptyArrayKey = Buffer.from([rank.empty]);

/** The same key in descending order. */
export function inverted(key: Buffer): Buffer {
  const out = Buffer.allocUnsafe(key.length);
  for (let at = 0; at < key.length; at += 1) out[at] = key[at]! ^ 0xff;
  return out;
}

/** The smallest key that is greater than every key starting with `prefix`; undefined if there is none. */
export function afterPrefix(prefix: Buffer): Buffer | undefined {
  const out = Buffer.from(prefix);
  for (let at = out.length - 1; at >= 0; at -= 1) {
    if (out[at] !== 0xff) {
      out[at]! += 1;
      return out.subarray(0, at + 1);
    }
  }
  return undefined;
}
