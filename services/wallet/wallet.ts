import * as contract from './contract.ts';
import { knownOf, recalledHold, recordIdsOfHold, withHold, type Hold } from './holds.ts';
import {
  entryAmong,
  entryIdOf,
  moved,
  recordIdOf,
  recordIdsOf,
  type Entry,
  type EntryKind,
  type FindRecords,
} from './ledger.ts';
import type { Currency } from '#services/money.ts';
import type { WalletChange, WalletState } from './state.ts';
import { DEFAULT_ROOM, withinBounds, type WalletRoom } from './room.ts';
import { on, type Context, type Entity, type JournalRecord, type Result } from '#shared/entity/entity.ts';
import type { BodyOf, EventType } from '#shared/message.ts';

export type { WalletState } from './state.ts';

export interface WalletPorts {
  readonly findRecords: FindRecords;
  /** How much of its past stays in the document; the rest is looked up. */
  readonly room?: WalletRoom;
  /** How far the clocks of processes may be apart: an undo mark outlives its do's deadline by this. */
  readonly skewMs?: number;
}

/**
 * A customer's money. Every movement is one ledger entry; a hold resolves once, by release or capture, and a capture is
 * refunded at most once, exactly. Any order and number of copies of the four messages of a hold ends the same way.
 *
 * Its document stays small whatever comes: what left it is told by the journal, where an entry is before it leaves the document.
 */
export function walletEntity({ findRecords, room = DEFAULT_ROOM, skewMs = 30_000 }: WalletPorts): Entity<WalletState> {
  const opened = (state: WalletState | undefined, customerId: string): WalletChange => ({
    wallet: state ?? emptyWallet(customerId),
    journal: [],
  });
  /** Records that are not in the collection yet ride in the document. */
  const find = async (ids: readonly string[], { unwritten }: Context): Promise<readonly JournalRecord[]> => [
    ...unwritten.filter(({ id }) => ids.includes(id)),
    ...(await findRecords(ids)),
  ];
  /** The wallet with this hold, if there ever was one, back in the document. */
  const recalled = async (state: WalletState | undefined, customerId: string, holdId: string, context: Context) => {
    const draft = opened(state, customerId);
    const { wallet } = draft;
    const known = wallet.holds.find((one) => one.holdId === holdId);
    if (known !== undefined || !wallet.forgets) return { draft, found: known };
    const records = await find(recordIdsOfHold(holdId, customerId), context);
    const found = recalledHold(records, holdId, customerId, wallet.openElsewhere !== undefined);
    return { draft: found === undefined ? draft : broughtBack(draft, found), found };
  };
  const done = <Body>(draft: WalletChange, context: Context, type: EventType<Body>, body: NoInfer<Body>) => {
    const { wallet, journal } = withinBounds(draft, context.now, room);
    const result: Result<WalletState> = { state: wallet, send: [context.answer(type, body)], journal };
    return result;
  };

  return {
    route: 'wallet',
    handlers: [
      on(contract.hold, async (state, { customerId, orderId, holdId, amount: money }, context) => {
        const { draft, found } = await recalled(state, customerId, holdId, context);
        const { wallet } = draft;
        const refuse = (reason: BodyOf<typeof contract.refused>['reason']) =>
          done(draft, context, contract.refused, { holdId, reason });
        if (found && found.status !== 'absent') {
          if (found.status === 'released' || found.status === 'refunded') return refuse('already_undone');
          const currency = found.currency ?? wallet.currency;
          const same = found.amount === money.amount && found.orderId === orderId && currency === money.currency;
          return same ? done(keep(draft, found), context, contract.held, { holdId }) : refuse('conflicting_hold');
        }
        if (found?.holdForbidden) return refuse('already_undone');
        if (money.amount > 0 && wallet.currency === undefined) return refuse('unknown_customer');
        if (money.amount > 0 && wallet.currency !== money.currency) return refuse('currency_mismatch');
        if (wallet.available < money.amount) return refuse('insufficient_funds');
        if ((wallet.openElsewhere?.count ?? 0) >= room.openElsewhere) return refuse('too_many_holds');
        const known = knownOf(holdId, orderId, money);
        const open: Hold = { ...known, status: 'open', captureForbidden: found?.captureForbidden ?? false };
        return done(move(draft, 'hold', open, context.now), context, contract.held, { holdId });
      }),

      on(contract.release, async (state, { customerId, holdId }, context) => {
        const { draft, found } = await recalled(state, customerId, holdId, context);
        const answer = (next: WalletChange) => done(next, context, contract.released, { holdId });
        if (!found || found.status === 'absent') return answer(forbid(draft, holdId, found, context, 'hold'));
        if (found.status !== 'open') return answer(keep(draft, found));
        const { captureForbidden: _forbidden, ...known } = found;
        const released: Hold = { ...known, status: 'released' };
        return answer(move(draft, 'release', released, context.now));
      }),

      on(contract.capture, async (state, { customerId, holdId }, context) => {
        const { draft, found } = await recalled(state, customerId, holdId, context);
        const captureId = entryIdOf(holdId, 'capture');
        const answer = (next: WalletChange, capturedAt: number) =>
          done(next, context, contract.captured, { holdId, captureId, capturedAt });
        const refuse = (reason: BodyOf<typeof contract.captureRefused>['reason']) =>
          done(draft, context, contract.captureRefused, { holdId, reason });
        if (!found) return refuse('no_such_hold');
        if (found.status === 'captured') return answer(keep(draft, found), found.capturedAt);
        if (found.status !== 'open' || found.captureForbidden) return refuse('already_undone');
        const { captureForbidden: _forbidden, ...known } = found;
        const capturedAt = context.now;
        const captured: Hold = { ...known, status: 'captured', capturedAt };
        return answer(move(draft, 'capture', captured, capturedAt), capturedAt);
      }),

      on(contract.refundToWallet, async (state, { customerId, holdId }, context) => {
        const { draft, found } = await recalled(state, customerId, holdId, context);
        const answer = (next: WalletChange) => done(next, context, contract.refundedToWallet, { holdId });
        if (!found || found.status === 'absent') return answer(forbid(draft, holdId, found, context, 'capture'));
        if (found.status === 'open') return answer(keep(draft, { ...found, captureForbidden: true }));
        if (found.status !== 'captured') return answer(keep(draft, found));
        const { capturedAt: _capturedAt, ...known } = found;
        const refunded: Hold = { ...known, status: 'refunded' };
        return answer(move(draft, 'refund', refunded, context.now));
      }),

      on(contract.topUp, async (state, { customerId, topUpId, amount: money }, context) => {
        const draft = opened(state, customerId);
        const { wallet } = draft;
        const refuse = (reason: BodyOf<typeof contract.topUpRefused>['reason']) =>
          done(draft, context, contract.topUpRefused, { topUpId, reason });
        const before =
          wallet.topUps.find((one) => one.id === topUpId) ??
          entryAmong(await find(recordIdsOf('top-up', topUpId, customerId), context), 'top-up', topUpId, customerId);
        if (before) {
          const same = before.amount === money.amount && wallet.currency === money.currency;
          return same ? done(draft, context, contract.toppedUp, { topUpId }) : refuse('conflicting_top_up');
        }
        if (wallet.currency !== undefined && wallet.currency !== money.currency) return refuse('currency_mismatch');
        const total = wallet.available + wallet.held + wallet.captured;
        if (total > Number.MAX_SAFE_INTEGER - money.amount) return refuse('limit_exceeded');
        const { amount, currency } = money;
        const topUps = [...wallet.topUps, { id: topUpId, amount }];
        const into: WalletChange = { ...draft, wallet: { ...wallet, currency, topUps } };
        const next = record(into, { id: topUpId, kind: 'top-up', amount, currency }, context.now);
        return done(next, context, contract.toppedUp, { topUpId });
      }),
    ],
  };

  function forbid(
    draft: WalletChange,
    holdId: string,
    before: Extract<Hold, { status: 'absent' }> | undefined,
    context: Context,
    what: 'hold' | 'capture',
  ): WalletChange {
    const { rememberUntil } = context.message;
    const forEver = rememberUntil === undefined || (before !== undefined && before.until === undefined);
    return keep(draft, {
      status: 'absent',
      holdId,
      holdForbidden: what === 'hold' || (before?.holdForbidden ?? false),
      captureForbidden: what === 'capture' || (before?.captureForbidden ?? false),
      ...(!forEver && { until: Math.max(rememberUntil + skewMs, before?.until ?? 0) }),
    });
  }
}

function emptyWallet(customerId: string): WalletState {
  return { customerId, available: 0, held: 0, captured: 0, entries: 0, holds: [], topUps: [], forgets: false };
}

/** An open hold counts as held in the document again. */
function broughtBack(draft: WalletChange, hold: Hold): WalletChange {
  const kept = keep(draft, hold);
  if (hold.status !== 'open') return kept;
  const { openElsewhere, ...wallet } = kept.wallet;
  const { count, amount } = {
    count: (openElsewhere?.count ?? 0) - 1,
    amount: (openElsewhere?.amount ?? 0) - hold.amount,
  };
  return { ...kept, wallet: { ...wallet, ...(count > 0 && { openElsewhere: { count, amount } }) } };
}

function keep(draft: WalletChange, hold: Hold): WalletChange {
  return { ...draft, wallet: { ...draft.wallet, holds: withHold(draft.wallet.holds, hold) } };
}

/** Moves a hold's amount and remembers what it is now. */
function move(
  draft: WalletChange,
  kind: Exclude<EntryKind, 'top-up'>,
  hold: Exclude<Hold, { status: 'absent' }>,
  now: number,
): WalletChange {
  const { holdId, orderId, amount, currency = draft.wallet.currency } = hold;
  return keep(record(draft, { id: entryIdOf(holdId, kind), kind, amount, currency, orderId, holdId }, now), hold);
}

function record(
  { wallet, journal }: WalletChange,
  entry: Pick<Entry, 'id' | 'kind' | 'amount' | 'orderId' | 'holdId'> & { readonly currency: Currency | undefined },
  now: number,
): WalletChange {
  const { customerId } = wallet;
  const { id: entryId, kind, amount, currency, orderId, holdId } = entry;
  if (currency === undefined) throw new Error(`wallet ${customerId} has no currency`);
  const seq = wallet.entries + 1;
  const written: Entry = {
    id: recordIdOf(kind, entryId, customerId),
    entryId,
    customerId,
    kind,
    amount,
    currency,
    ...(orderId !== undefined && { orderId }),
    ...(holdId !== undefined && { holdId }),
    at: now,
    seq,
  };
  return { wallet: { ...wallet, ...moved(wallet, written), entries: seq }, journal: [...journal, written] };
}
