import { bytesOf, isOpen, leaving, remembered, reservedBy } from './claims.ts';
import type { Draft } from './state.ts';
import { oldestOver } from '#shared/entity/document.ts';

/** How much of its past an item keeps in its document; under half of what a document may have, whatever the ids. */
export interface StockRoom {
  /** Of orders that have something reserved. */
  readonly openBytes: number;
  /** Of all others. */
  readonly closedBytes: number;
}

export const DEFAULT_ROOM: StockRoom = { openBytes: 12_000, closedBytes: 4000 };

/** Adjustments that an item keeps in its document. */
export const ADJUSTMENTS_KEPT = 16;

/** The draft without what is too much, the oldest first. What it has to know is put into the journal. */
export function withinBounds({ item, journal }: Draft, now: number, room: StockRoom): Draft {
  const claims = item.claims.flatMap((claim) => remembered(claim, now) ?? []);
  const gone = new Set([
    ...oldestOver(claims.filter(isOpen), bytesOf, room.openBytes),
    ...oldestOver(
      claims.filter((claim) => !isOpen(claim)),
      bytesOf,
      room.closedBytes,
    ),
  ]);
  const adjustments = item.adjustments.slice(-ADJUSTMENTS_KEPT);
  if (gone.size === 0) return { item: { ...item, claims, adjustments }, journal };
  const open = [...gone].filter(isOpen);
  const before = item.openElsewhere ?? { count: 0, quantity: 0 };
  const openElsewhere = {
    count: before.count + open.length,
    quantity: open.reduce((sum, claim) => sum + reservedBy(claim), before.quantity),
  };
  return {
    item: {
      ...item,
      claims: claims.filter((claim) => !gone.has(claim)),
      adjustments,
      forgets: true,
      ...(openElsewhere.count > 0 && { openElsewhere }),
    },
    journal: [...journal, ...[...gone].map((claim) => leaving(claim, item.sku))],
  };
}
