import type { ParkedItem } from './contract.ts';

export interface ParkedPage {
  readonly items: readonly ParkedItem[];
  /** Where the next page begins; absent: there is none. */
  readonly nextCursor?: string;
}

/** Where an item stands in the list: one that expires again goes to the end, nothing else moves. */
type Place = readonly [lastExpiredAt: number, route: string, messageId: string];

/**
 * One page of what is parked, by last expiry, oldest first. What stays parked while the pages are read is on one of
 * them, and only on one. Throws when the cursor is none of ours.
 */
export function parkedPage(all: readonly ParkedItem[], limit: number, cursor: string | undefined): ParkedPage {
  const from = cursor === undefined ? undefined : placeIn(cursor);
  const rest = from === undefined ? all : all.filter((item) => compare(placeOf(item), from) > 0);
  const sorted = rest.toSorted((a, b) => compare(placeOf(a), placeOf(b)));
  const items = sorted.slice(0, limit);
  const last = items.at(-1);
  return sorted.length > limit && last !== undefined ? { items, nextCursor: cursorAt(last) } : { items };
}

function placeOf({ lastExpiredAt, route, messageId }: ParkedItem): Place {
  return [lastExpiredAt, route, messageId];
}

function compare(a: Place, b: Place): number {
  const part = a.findIndex((value, index) => value !== b[index]);
  if (part === -1) return 0;
  return (a[part] as string | number) < (b[part] as string | number) ? -1 : 1;
}

function cursorAt(item: ParkedItem): string {
  return placeOf(item).join(' ');
}

/** Neither a time nor a route has a space in it; a message id may. */
function placeIn(cursor: string): Place {
  const [, at, route, messageId] = /^([0-9]{1,15}) (\S+) (.*)$/s.exec(cursor) ?? [];
  if (at === undefined || route === undefined || messageId === undefined)
    throw new Error('the cursor is not one that this list gave');
  return [Number(at), route, messageId];
}
