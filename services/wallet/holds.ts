import { entryAmong, entryIdOf, recordIdsOf } from './ledger.ts';
import type { Currency, Money } from '#services/money.ts';
import type { JournalRecord } from '#shared/entity/entity.ts';
import { joined } from '#shared/entity/entity.ts';

interface KnownHold {
  readonly holdId: string;
  readonly orderId: string;
  /** Minor units of the wallet's currency. */
  readonly amount: number;
  /** Of a hold over nothing, which may be of another currency than the wallet, or come before the wallet has one. */
  readonly currency?: Currency;
}

/** What a wallet remembers about a hold. */
export type Hold =
  /** Undone before it was made. `until`: epoch ms after which no do can arrive any more; absent: for ever. */
  | {
      readonly status: 'absent';
      readonly holdId: string;
      readonly holdForbidden: boolean;
      readonly captureForbidden: boolean;
      readonly until?: number;
    }
  | (KnownHold & { readonly status: 'open'; readonly captureForbidden: boolean })
  | (KnownHold & { readonly status: 'captured'; readonly capturedAt: number })
  | (KnownHold & { readonly status: 'released' | 'refunded' });
export type OpenHold = Extract<Hold, { status: 'open' }>;

/** In the journal: what an undo forbade of a hold that left the document. Not an entry: it moved nothing. */
interface UndoMark extends JournalRecord {
  readonly holder: string;
  readonly holdId: string;
  readonly forbids: 'hold' | 'capture';
}

/** The holds with this one in the place of what was remembered about it. */
export function withHold(holds: readonly Hold[], hold: Hold): readonly Hold[] {
  return [...holds.filter((one) => one.holdId !== hold.holdId), hold];
}

/** What every state of a hold knows of it. */
export function knownOf(holdId: string, orderId: string, { amount, currency }: Money): KnownHold {
  return { holdId, orderId, amount, ...(amount === 0 && { currency }) };
}

/** About how much of a document it takes. */
export function bytesOfHold(hold: Hold): number {
  const { holdId } = hold;
  return 120 + Buffer.byteLength(holdId) + ('orderId' in hold ? Buffer.byteLength(hold.orderId) : 0);
}

/** What must be in the journal before the hold may leave the document; its movements are there by themselves. */
export function marksOf(hold: Hold, customerId: string): readonly UndoMark[] {
  const { holdId } = hold;
  const forbidden = [
    ...(hold.status === 'absent' && hold.holdForbidden ? (['hold'] as const) : []),
    ...('captureForbidden' in hold && hold.captureForbidden ? (['capture'] as const) : []),
  ];
  return forbidden.map((forbids) => ({
    id: markIdOf(forbids, holdId, customerId),
    holder: customerId,
    holdId,
    forbids,
  }));
}

const KINDS = ['hold', 'release', 'capture', 'refund'] as const;

/** Every record that tells something about a hold. */
export function recordIdsOfHold(holdId: string, customerId: string): readonly string[] {
  return [
    ...KINDS.flatMap((kind) => recordIdsOf(kind, entryIdOf(holdId, kind), customerId)),
    ...(['hold', 'capture'] as const).map((forbids) => markIdOf(forbids, holdId, customerId)),
  ];
}

/**
 * A hold that is not in the document, told by its records. `mayBeOpen`: open holds have left the document; one without
 * an end was released otherwise, as long ago as releases had no entry that can be found.
 */
export function recalledHold(
  records: readonly JournalRecord[],
  holdId: string,
  customerId: string,
  mayBeOpen: boolean,
): Hold | undefined {
  const entry = (kind: (typeof KINDS)[number]) => entryAmong(records, kind, entryIdOf(holdId, kind), customerId);
  const marks = new Set(records.map(({ id }) => id));
  const holdForbidden = marks.has(markIdOf('hold', holdId, customerId));
  const captureForbidden = marks.has(markIdOf('capture', holdId, customerId));
  const held = entry('hold');
  if (held === undefined)
    return holdForbidden || captureForbidden
      ? { status: 'absent', holdId, holdForbidden, captureForbidden }
      : undefined;
  const known = knownOf(holdId, held.orderId ?? '', held);
  const captured = entry('capture');
  if (captured === undefined) {
    const isOpen = mayBeOpen && entry('release') === undefined;
    return isOpen ? { ...known, status: 'open', captureForbidden } : { ...known, status: 'released' };
  }
  return entry('refund') ? { ...known, status: 'refunded' } : { ...known, status: 'captured', capturedAt: captured.at };
}

function markIdOf(forbids: UndoMark['forbids'], holdId: string, customerId: string): string {
  return joined('forbidden', forbids, holdId, customerId);
}
