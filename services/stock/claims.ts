import type { JournalRecord, Recorded } from '#shared/entity/entity.ts';
import { joined } from '#shared/entity/entity.ts';

export interface Reservation {
  /** The id of the command that made it. */
  readonly of: string;
  readonly quantity: number;
  /** Epoch ms. */
  readonly since: number;
  /** When whoever asked for it will have ended, epoch ms. */
  readonly expiresAt: number;
  readonly status: 'open' | 'released' | 'sold' | 'returned';
}

/** A command that must not be carried out any more. `until`: epoch ms after which it cannot arrive; absent: for ever. */
export interface Undone {
  readonly id: string;
  readonly until?: number;
}

/** What an item knows of one order. */
export interface Claim {
  readonly orderId: string;
  /** The latest one; those before it were released. */
  readonly reservation?: Reservation;
  /** Reserve commands that were undone, before or after they came. */
  readonly undone: readonly Undone[];
  /** The commit that was undone before it came. */
  readonly uncommitted?: Undone;
  /** How often it has left the document. */
  readonly left: number;
}

/** Tries of one order that are remembered: more than any saga makes. */
const MAX_UNDONE = 32;

export function unknownOrder(orderId: string): Claim {
  return { orderId, undone: [], left: 0 };
}

export function isOpen({ reservation }: Claim): boolean {
  return reservation?.status === 'open';
}

/** How much is kept for the order. */
export function reservedBy(claim: Claim): number {
  return isOpen(claim) ? claim.reservation!.quantity : 0;
}

export function isUndone({ undone }: Claim, id: string): boolean {
  return undone.some((one) => one.id === id);
}

/** The claim that refuses this reserve command from now on. */
export function withUndone(claim: Claim, mark: Undone): Claim {
  return { ...claim, undone: [...claim.undone.filter(({ id }) => id !== mark.id), mark].slice(-MAX_UNDONE) };
}

/** The longer of what was remembered before and now. */
export function longer(before: Undone | undefined, mark: Undone): Undone {
  if (before === undefined) return mark;
  if (before.until === undefined || mark.until === undefined) return { id: mark.id };
  return { id: mark.id, until: Math.max(before.until, mark.until) };
}

/** The claim without what can make no difference any more; `undefined`: nothing of it can. */
export function remembered(claim: Claim, now: number): Claim | undefined {
  const matters = ({ until = now }: Undone): boolean => until >= now;
  const undone = claim.undone.filter(matters);
  const { reservation, uncommitted, ...rest } = claim;
  const isForbidden = uncommitted !== undefined && matters(uncommitted);
  const ended = reservation?.status === 'released' && undone.every(({ id }) => id !== reservation.of);
  const next: Claim = {
    ...rest,
    undone,
    ...(reservation !== undefined && !ended && { reservation }),
    ...(isForbidden && { uncommitted }),
  };
  const isOver = next.reservation === undefined && undone.length === 0 && !isForbidden;
  return isOver && claim.left === 0 ? undefined : next;
}

/** About how much of a document it takes. */
export function bytesOf({ orderId, reservation, undone, uncommitted }: Claim): number {
  const marks = uncommitted === undefined ? undone : [...undone, uncommitted];
  return (
    60 +
    Buffer.byteLength(orderId) +
    (reservation === undefined ? 0 : 110 + Buffer.byteLength(reservation.of)) +
    marks.reduce((sum, { id }) => sum + 40 + Buffer.byteLength(id), 0)
  );
}

/** In the journal: a claim as it was when it left the document. The one that left last tells what is known of the order. */
export interface LeftClaim extends JournalRecord {
  readonly claim: Claim;
  /** The item, if something was open: for the list of its reservations. */
  readonly openOf?: string;
}

/** What goes to the journal before the claim may leave the document. */
export function leaving(claim: Claim, sku: string): LeftClaim {
  const left = claim.left + 1;
  const { orderId } = claim;
  return {
    id: leftIdOf(orderId, sku, left),
    sku,
    orderId,
    claim: { ...claim, left },
    ...(isOpen(claim) && { openOf: sku }),
  };
}

/** The id of the record of a claim that left the document for the `time`th time. */
export function leftIdOf(orderId: string, sku: string, time: number): string {
  return joined('left', String(time), orderId, sku);
}

/** The claim that left last. */
function leftLast(orderId: string, sku: string, recorded: Recorded): LeftClaim | undefined {
  for (let time = 1, last: LeftClaim | undefined; ; time += 1) {
    const found = recorded(leftIdOf(orderId, sku, time)) as LeftClaim | undefined;
    if (found === undefined) return last;
    last = found;
  }
}

/** What an item knows of orders, as far as its document does. */
export interface KnownClaims {
  readonly sku: string;
  /** Of the orders that were touched last, newest at the end; the others are in the journal. */
  readonly claims: readonly Claim[];
  /** A claim has left the document: an order that is not in it must be looked up. */
  readonly forgets: boolean;
}

/** Records that tell what the item knows of the order, if the document does not. */
export function recordsOfClaim(
  state: KnownClaims | undefined,
  { sku, orderId }: { readonly sku: string; readonly orderId: string },
  recorded: Recorded,
): readonly string[] {
  if (state === undefined || !state.forgets || inDocument(state, orderId) !== undefined) return [];
  const known = leftLast(orderId, sku, recorded)?.claim.left ?? 0;
  return [leftIdOf(orderId, sku, known + 1)];
}

/** What the item knows of the order, and whether the document knows it. */
export function claimOf(
  state: KnownClaims,
  orderId: string,
  recorded: Recorded,
): { readonly claim: Claim; readonly isElsewhere: boolean } {
  const known = inDocument(state, orderId);
  if (known !== undefined) return { claim: known, isElsewhere: false };
  const left = !state.forgets ? undefined : leftLast(orderId, state.sku, recorded)?.claim;
  return { claim: left ?? unknownOrder(orderId), isElsewhere: left !== undefined };
}

function inDocument({ claims }: KnownClaims, orderId: string): Claim | undefined {
  return claims.find((claim) => claim.orderId === orderId);
}
