import { type IndexSpec, membership } from './index-spec.ts';
import { emptyArrayKey, inverted, keyOf, nullKey } from './key.ts';
import { MongoFailure } from '#local/mongo/protocol/failure.ts';
import { findElement, int32At, kind, valueAt, valueEnd } from '#local/mongo/protocol/raw.ts';

export interface Keys {
  readonly keys: readonly Buffer[];
  /** An array gave several keys. */
  readonly multikey: boolean;
}

export interface Found {
  readonly keys: Buffer[];
  array: boolean;
  present: boolean;
}

const none: Keys = { keys: [], multikey: false };

/** What a document leaves in one index. Reads raw BSON; arrays give one key per element. */
export interface KeyReader {
  keys(raw: Buffer): Keys;
  /** Whether both versions of a document leave the same; may say no when they do, never yes when they do not. */
  same(before: Buffer, after: Buffer): boolean;
}

export function keyReader(spec: IndexSpec): KeyReader {
  const paths = spec.key.map(([path]) => pathParts(path));
  const member = membership(spec);
  const watched = watchedPaths(spec);

  function keys(raw: Buffer): Keys {
    if (member !== undefined && !member(raw)) return none;
    let lists: Buffer[][] = [[]];
    let arrays = 0;
    let present = false;
    for (const [position, path] of paths.entries()) {
      const found = valuesAt(raw, path);
      if (found.array) arrays += 1;
      present ||= found.present;
      const parts = spec.key[position]![1] === -1 ? found.keys.map(inverted) : found.keys;
      lists = lists.flatMap((list) => parts.map((part) => [...list, part]));
    }
    if (arrays > 1) throw new MongoFailure(171, `index ${spec.name} cannot cover two arrays of one document`);
    if (spec.sparse && !present) return none;
    if (arrays === 0) return { keys: [joined(lists[0]!)], multikey: false };
    const distinct = new Map(lists.map(joined).map((key) => [key.toString('latin1'), key]));
    return { keys: [...distinct.values()], multikey: true };
  }

  function same(before: Buffer, after: Buffer): boolean {
    if (watched === undefined) return before.equals(after);
    for (const path of watched) if (!sameRegion(before, after, path)) return false;
    return true;
  }

  return { keys, same };
}

/** The keys of the values at a path, with MongoDB's way through arrays; null for a missing value. */
export function valuesAt(raw: Buffer, path: readonly Buffer[]): Found {
  const found: Found = { keys: [], array: false, present: false };
  collect(raw, 0, path, 0, found);
  return found;
}

export function pathParts(path: string): Buffer[] {
  return path.split('.').map((part) => Buffer.from(part));
}

function joined(parts: readonly Buffer[]): Buffer {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

function watchedPaths(spec: IndexSpec): Buffer[][] | undefined {
  const fields = Object.keys(spec.partialFilterExpression ?? {});
  if (fields.some((field) => field.startsWith('$'))) return undefined;
  return [...spec.key.map(([path]) => path), ...fields].map(pathParts);
}

function collect(bytes: Buffer, start: number, path: readonly Buffer[], depth: number, found: Found): void {
  const element = findElement(bytes, path[depth]!, start);
  if (element === -1) {
    found.keys.push(nullKey);
    return;
  }
  const type = bytes[element]!;
  const at = valueAt(bytes, element);
  const last = depth === path.length - 1;
  if (type === kind.array) return collectArray(bytes, at, path, depth, found);
  if (last) {
    found.present = true;
    found.keys.push(keyOf(bytes, type, at));
    return;
  }
  if (type === kind.object) return collect(bytes, at, path, depth + 1, found);
  found.keys.push(nullKey);
}

function collectArray(bytes: Buffer, start: number, path: readonly Buffer[], depth: number, found: Found): void {
  const last = depth === path.length - 1;
  const end = start + int32At(bytes, start) - 1;
  const before = found.keys.length;
  found.array = true;
  let element = start + 4;
  while (element < end) {
    const type = bytes[element]!;
    const at = valueAt(bytes, element);
    if (last) {
      found.present = true;
      found.keys.push(keyOf(bytes, type, at));
    } else if (type === kind.object) collect(bytes, at, path, depth + 1, found);
    element = valueEnd(bytes, type, at);
  }
  if (found.keys.length > before) return;
  found.present ||= last;
  found.keys.push(last ? emptyArrayKey : nullKey);
}

/** Follows a path through objects as far as it goes and compares what is there, byte by byte. */
function sameRegion(a: Buffer, b: Buffer, path: readonly Buffer[]): boolean {
  let startA = 0;
  let startB = 0;
  for (let depth = 0; ; depth += 1) {
    const elementA = findElement(a, path[depth]!, startA);
    const elementB = findElement(b, path[depth]!, startB);
    if (elementA === -1 || elementB === -1) return elementA === elementB;
    const type = a[elementA]!;
    if (type !== b[elementB]) return false;
    const atA = valueAt(a, elementA);
    const atB = valueAt(b, elementB);
    if (type === kind.object && depth < path.length - 1) {
      startA = atA;
      startB = atB;
      continue;
    }
    return a.compare(b, atB, valueEnd(b, type, atB), atA, valueEnd(a, type, atA)) === 0;
  }
}
