import { entryIdOf, type FindEntry } from './ledger.ts';

interface Known {
  readonly holdId: string;
  readonly orderId: string;
  /** Minor units of the wallet's currency. */
  readonly amount: number;
  /** Epoch ms after which a resolved hold may be forgotten; its entries stay. */
  readonly until: number;
}

/** What a wallet remembers about a hold. */
export type Hold =
  /** Undone before it was made. `until` absent: remembered for ever. */
  | {
      readonly status: 'absent';
      readonly holdId: string;
      readonly holdForbidden: boolean;
      readonly captureForbidden: boolean;
      readonly until?: number;
    }
  | (Known & { readonly status: 'open'; readonly captureForbidden: boolean })
  | (Known & { readonly status: 'captured'; readonly capturedAt: number })
  | (Known & { readonly status: 'released' | 'refunded' });

/** The holds with this one in the place of what was remembered about it. */
export function withHold(holds: readonly Hold[], hold: Hold): readonly Hold[] {
  return [...holds.filter((one) => one.holdId !== hold.holdId), hold];
}

/** Whether it must be kept: an open hold always, anything else until its time has passed. */
export function isKept(hold: Hold, now: number): boolean {
  return hold.status === 'open' || hold.until === undefined || hold.until >= now;
}

/**
 * What became of a hold that is no longer remembered, told by its entries. Only resolved holds are forgotten, so one
 * without a capture was released.
 */
export async function recallHold(
  find: FindEntry,
  customerId: string,
  holdId: string,
  until: number,
): Promise<Hold | undefined> {
  const held = await find(entryIdOf(holdId, 'hold'), customerId);
  if (!held || held.customerId !== customerId) return undefined;
  const known = { holdId, orderId: held.orderId ?? '', amount: held.amount, until };
  const captured = await find(entryIdOf(holdId, 'capture'), customerId);
  if (!captured) return { ...known, status: 'released' };
  const refunded = await find(entryIdOf(holdId, 'refund'), customerId);
  return refunded ? { ...known, status: 'refunded' } : { ...known, status: 'captured', capturedAt: captured.at };
}
