import { bytesOfHold, marksOf, type Hold, type OpenHold } from './holds.ts';
import type { WalletChange } from './state.ts';
import { oldestOver } from '#shared/entity/document.ts';

/** How much of its past a wallet keeps in its document; under half of what a document may have, whatever the ids. */
export interface WalletRoom {
  /** Of open holds. */
  readonly openBytes: number;
  /** Of holds that were resolved, or undone before they were made. */
  readonly closedBytes: number;
  /** Number of top-ups. */
  readonly topUps: number;
  /** Open holds that may be outside the document; one more is refused. */
  readonly openElsewhere: number;
}

export const DEFAULT_ROOM: WalletRoom = { openBytes: 12_000, closedBytes: 4000, topUps: 16, openElsewhere: 10_000 };

/** The draft without what is too much, the oldest first. What the journal would not tell by itself is put there. */
export function withinBounds(draft: WalletChange, now: number, room: WalletRoom): WalletChange {
  const { topUps } = draft.wallet;
  const holds = draft.wallet.holds.filter((hold) => hold.status !== 'absent' || (hold.until ?? now) >= now);
  const leaving = new Set([
    ...oldestOver(holds.filter(isOpen), bytesOfHold, room.openBytes),
    ...oldestOver(
      holds.filter((hold) => !isOpen(hold)),
      bytesOfHold,
      room.closedBytes,
    ),
  ]);
  const within = topUps.length > room.topUps ? topUps.slice(topUps.length - room.topUps) : topUps;
  const wallet = { ...draft.wallet, holds, topUps: within };
  if (leaving.size === 0) return { ...draft, wallet };
  const open = [...leaving].filter(isOpen);
  const before = wallet.openElsewhere ?? { count: 0, amount: 0 };
  const openElsewhere = {
    count: before.count + open.length,
    amount: open.reduce((sum, { amount }) => sum + amount, before.amount),
  };
  return {
    wallet: {
      ...wallet,
      holds: holds.filter((hold) => !leaving.has(hold)),
      forgets: true,
      ...(openElsewhere.count > 0 && { openElsewhere }),
    },
    journal: [...draft.journal, ...[...leaving].flatMap((hold) => marksOf(hold, wallet.customerId))],
  };
}

function isOpen(hold: Hold): hold is OpenHold {
  return hold.status === 'open';
}
