import type { Connection } from 'mongoose';
import { isOpen, leftIdOf, type Claim, type LeftClaim } from './claims.ts';
import { movementsCollection, stockCollection, type StoredItem } from './model.ts';
import type { ReservationView } from './shapes.ts';
import { compareKeys } from '#shared/database/pages.ts';
import type { Page, PageQuery } from '#shared/web/cursors.ts';

/** Pages of claims that left which one request reads at most; a page may then be shorter than it was asked for. */
const MOST_READS = 10;

/**
 * The open reservations of an item by order: those in its document, and those that left it and did not come back. A claim that left is
 * in the document, or left once more, when anything has happened to it since.
 */
export async function reservationsOf(
  db: Connection,
  sku: string,
  { limit, cursor = '' }: PageQuery,
): Promise<Page<ReservationView>> {
  const stored = await db
    .collection<StoredItem>(stockCollection)
    .findOne({ _id: sku }, { projection: { 'state.claims': 1, 'state.forgets': 1, journal: 1 } });
  const claims = stored?.state?.claims ?? [];
  const riding = (stored?.journal ?? []).filter(isLeftClaim);
  const inDocument = new Set(claims.map(({ orderId }) => orderId));
  const known = [...claims, ...(await elsewhere(riding))]
    .filter(isOpen)
    .filter(({ orderId }) => compareKeys(orderId, cursor) > 0);
  let scanned: string | undefined = stored?.state?.forgets === true ? cursor : undefined;
  for (let reads = 0; scanned !== undefined && known.length <= limit && reads < MOST_READS; reads += 1) {
    const found = await left()
      .find({ openOf: sku, orderId: { $gt: scanned } })
      .sort({ orderId: 1 })
      .limit(limit + 1)
      .toArray();
    known.push(...(await elsewhere(found)));
    scanned = found.length > limit ? found.at(-1)!.claim.orderId : undefined;
  }
  // Beyond what was looked through nothing is known yet.
  const end = scanned;
  const sorted = [...new Map(known.map((claim) => [claim.orderId, claim])).values()]
    .filter(({ orderId }) => end === undefined || compareKeys(orderId, end) <= 0)
    .toSorted((a, b) => compareKeys(a.orderId, b.orderId));
  const page = sorted.slice(0, limit);
  const next = sorted.length > limit ? page.at(-1)!.orderId : end;
  const items = page.map(shown);
  return next === undefined ? { items } : { items, nextCursor: next };

  function left() {
    return db.collection<LeftClaim & { readonly _id: string }>(movementsCollection);
  }

  /** Those that neither came back nor left again. */
  async function elsewhere(found: readonly LeftClaim[]): Promise<readonly Claim[]> {
    const open = found.map(({ claim }) => claim).filter((claim) => isOpen(claim) && !inDocument.has(claim.orderId));
    const next = new Set(riding.map(({ id }) => id));
    const ids = open.map(({ orderId, left: time }) => leftIdOf(orderId, sku, time + 1));
    if (ids.length > 0)
      for (const { _id } of await left()
        .find({ _id: { $in: ids } }, { projection: { _id: 1 } })
        .toArray())
        next.add(_id);
    return open.filter((_, index) => !next.has(ids[index]!));
  }
}

function isLeftClaim(record: object): record is LeftClaim {
  return 'claim' in record;
}

function shown({ orderId, reservation }: Claim): ReservationView {
  const { quantity, since, expiresAt } = reservation!;
  return {
    orderId,
    quantity,
    since: new Date(since).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
  };
}
