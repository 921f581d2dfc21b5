import { MongoFailure } from '#local/mongo/protocol/failure.ts';
import type { Doc } from '#local/mongo/protocol/raw.ts';

/** Where a dotted path ends: the object or array that holds its last part. */
export interface Place {
  get(): unknown;
  set(value: unknown): void;
  /** Removes a field; an array element becomes null. */
  unset(): void;
}

/** Follows a dotted path; with `create` missing objects on the way are made, without it a missing one gives undefined. */
export function placeAt(document: Doc, path: string, create: boolean): Place | undefined {
  const parts = path.split('.');
  let holder: unknown = document;
  for (const [position, part] of parts.entries()) {
    if (part === '' || part.startsWith('$')) {
      throw new MongoFailure(part === '' ? 9 : 238, `the path ${JSON.stringify(path)} is not supported in an update`);
    }
    const place = stepInto(holder, part);
    if (place === undefined) {
      if (!create) return undefined;
      throw new MongoFailure(
        28,
        `cannot create ${JSON.stringify(part)} of the path ${path} in something that is no object`,
      );
    }
    if (position === parts.length - 1) return place;
    if (place.get() === undefined) {
      if (!create) return undefined;
      place.set({});
    }
    holder = place.get();
  }
  return undefined;
}

function stepInto(holder: unknown, part: string): Place | undefined {
  if (Array.isArray(holder)) {
    const items = holder as unknown[];
    if (!/^(0|[1-9]\d{0,6})$/.test(part)) return undefined;
    const index = Number(part);
    return {
      get: () => items[index],
      set(value) {
        while (items.length < index) items.push(null);
        items[index] = value;
      },
      unset() {
        if (index < items.length) items[index] = null;
      },
    };
  }
  if (typeof holder !== 'object' || holder === null || '_bsontype' in holder || holder instanceof Date)
    return undefined;
  const fields = holder as Doc;
  return {
    get: () => (Object.hasOwn(fields, part) ? fields[part] : undefined),
    set(value) {
      fields[part] = value;
    },
    unset() {
      delete fields[part];
    },
  };
}
