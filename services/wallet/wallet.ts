import * as contract from './contract.ts';
import { isKept, recallHold, withHold, type Hold } from './holds.ts';
import { entryIdOf, moved, type Balances, type Entry, type EntryKind, type FindEntry } from './ledger.ts';
import type { Currency } from '#services/money.ts';
import { on, type Context, type Entity, type Result } from '#shared/entity/entity.ts';
import type { BodyOf, EventType } from '#shared/message.ts';

export interface WalletState extends Balances {
  readonly customerId: string;
  /** Absent until the first top-up: nothing but undo marks is known yet. */
  readonly currency?: Currency;
  /** How many entries were ever written. */
  readonly entries: number;
  readonly holds: readonly Hold[];
  /** The latest top-ups; older ones are found in the journal. */
  readonly topUps: readonly { readonly id: string; readonly amount: number; readonly until: number }[];
  /** A resolved hold has been forgotten: an unknown one must be looked up in the journal. */
  readonly forgets: boolean;
}

export interface WalletPorts {
  readonly findEntry: FindEntry;
  /** Resolved holds and top-ups stay in the document for at least this long: until their entries are surely in the journal. */
  readonly retentionMs?: number;
  /** How far the clocks of processes may be apart: what is kept until a deadline is kept this much longer. */
  readonly skewMs?: number;
}

type Draft = { readonly wallet: WalletState; readonly journal: readonly Entry[] };

/**
 * A customer's money. Every movement is one ledger entry; a hold resolves once, by release or capture, and a capture is
 * refunded at most once, exactly. Any order and number of copies of the four messages of a hold ends the same way.
 */
export function walletEntity({ findEntry, retentionMs = 60_000, skewMs = 30_000 }: WalletPorts): Entity<WalletState> {
  const opened = (state: WalletState | undefined, customerId: string, now: number): Draft => ({
    wallet: withoutOld(state ?? emptyWallet(customerId), now),
    journal: [],
  });
  const untilOf = ({ message, now }: Context, before?: Hold): number =>
    Math.max(now + retentionMs, before?.until ?? 0, (message.rememberUntil ?? message.deadline ?? 0) + skewMs);
  /** An entry that a dead worker had committed may still ride in the document. */
  const finding =
    ({ unwritten }: Context): FindEntry =>
    async (id, customerId) =>
      (unwritten.find((record) => record.id === id) as Entry | undefined) ?? findEntry(id, customerId);
  const known = async ({ wallet }: Draft, holdId: string, context: Context): Promise<Hold | undefined> =>
    wallet.holds.find((one) => one.holdId === holdId) ??
    (wallet.forgets ? recallHold(finding(context), wallet.customerId, holdId, untilOf(context)) : undefined);

  return {
    route: 'wallet',
    handlers: [
      on(contract.hold, async (state, { customerId, orderId, holdId, amount: money }, context) => {
        const draft = opened(state, customerId, context.now);
        const { wallet } = draft;
        const refuse = (reason: BodyOf<typeof contract.refused>['reason']) =>
          done(draft, context, contract.refused, { holdId, reason });
        const found = await known(draft, holdId, context);
        if (found && found.status !== 'absent') {
          if (found.status === 'released' || found.status === 'refunded') return refuse('already_undone');
          const same = found.amount === money.amount && found.orderId === orderId && wallet.currency === money.currency;
          return same ? done(keep(draft, found), context, contract.held, { holdId }) : refuse('conflicting_hold');
        }
        if (found?.holdForbidden) return refuse('already_undone');
        if (wallet.currency === undefined) return refuse('unknown_customer');
        if (wallet.currency !== money.currency) return refuse('currency_mismatch');
        if (wallet.available < money.amount) return refuse('insufficient_funds');
        const open: Hold = {
          status: 'open',
          holdId,
          orderId,
          amount: money.amount,
          captureForbidden: found?.captureForbidden ?? false,
          until: untilOf(context, found),
        };
        return done(move(draft, 'hold', open, context.now), context, contract.held, { holdId });
      }),

      on(contract.release, async (state, { customerId, holdId }, context) => {
        const draft = opened(state, customerId, context.now);
        const found = await known(draft, holdId, context);
        const answer = (next: Draft) => done(next, context, contract.released, { holdId });
        if (!found || found.status === 'absent') return answer(forbid(draft, holdId, found, context, 'hold'));
        if (found.status !== 'open') return answer(keep(draft, found));
        const { orderId, amount } = found;
        const released: Hold = { status: 'released', holdId, orderId, amount, until: untilOf(context, found) };
        return answer(move(draft, 'release', released, context.now));
      }),

      on(contract.capture, async (state, { customerId, holdId }, context) => {
        const draft = opened(state, customerId, context.now);
        const captureId = entryIdOf(holdId, 'capture');
        const found = await known(draft, holdId, context);
        const answer = (next: Draft, capturedAt: number) =>
          done(next, context, contract.captured, { holdId, captureId, capturedAt });
        const refuse = (reason: BodyOf<typeof contract.captureRefused>['reason']) =>
          done(draft, context, contract.captureRefused, { holdId, reason });
        if (!found) return refuse('no_such_hold');
        if (found.status === 'captured') return answer(keep(draft, found), found.capturedAt);
        if (found.status !== 'open' || found.captureForbidden) return refuse('already_undone');
        const { orderId, amount } = found;
        const capturedAt = context.now;
        const captured: Hold = {
          status: 'captured',
          holdId,
          orderId,
          amount,
          capturedAt,
          until: untilOf(context, found),
        };
        return answer(move(draft, 'capture', captured, capturedAt), capturedAt);
      }),

      on(contract.refundToWallet, async (state, { customerId, holdId }, context) => {
        const draft = opened(state, customerId, context.now);
        const found = await known(draft, holdId, context);
        const answer = (next: Draft) => done(next, context, contract.refundedToWallet, { holdId });
        if (!found || found.status === 'absent') return answer(forbid(draft, holdId, found, context, 'capture'));
        if (found.status === 'open') return answer(keep(draft, { ...found, captureForbidden: true }));
        if (found.status !== 'captured') return answer(keep(draft, found));
        const { orderId, amount } = found;
        const refunded: Hold = { status: 'refunded', holdId, orderId, amount, until: untilOf(context, found) };
        return answer(move(draft, 'refund', refunded, context.now));
      }),

      on(contract.topUp, async (state, { customerId, topUpId, amount: money }, context) => {
        const draft = opened(state, customerId, context.now);
        const { wallet } = draft;
        const refuse = (reason: BodyOf<typeof contract.topUpRefused>['reason']) =>
          done(draft, context, contract.topUpRefused, { topUpId, reason });
        const before = wallet.topUps.find((one) => one.id === topUpId) ?? (await finding(context)(topUpId, customerId));
        if (before) {
          const own = !('kind' in before) || (before.kind === 'top-up' && before.customerId === customerId);
          const same = own && before.amount === money.amount && wallet.currency === money.currency;
          return same ? done(draft, context, contract.toppedUp, { topUpId }) : refuse('conflicting_top_up');
        }
        if (wallet.currency !== undefined && wallet.currency !== money.currency) return refuse('currency_mismatch');
        const total = wallet.available + wallet.held + wallet.captured;
        if (total > Number.MAX_SAFE_INTEGER - money.amount) return refuse('limit_exceeded');
        const { amount, currency } = money;
        const topUps = [...wallet.topUps, { id: topUpId, amount, until: untilOf(context) }];
        const into: Draft = { ...draft, wallet: { ...wallet, currency, topUps } };
        const next = record(into, { id: topUpId, kind: 'top-up', amount }, context.now);
        return done(next, context, contract.toppedUp, { topUpId });
      }),
    ],
  };

  function forbid(
    draft: Draft,
    holdId: string,
    before: Extract<Hold, { status: 'absent' }> | undefined,
    context: Context,
    what: 'hold' | 'capture',
  ): Draft {
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

function withoutOld(wallet: WalletState, now: number): WalletState {
  const holds = wallet.holds.filter((hold) => isKept(hold, now));
  const topUps = wallet.topUps.filter((topUp) => topUp.until >= now);
  if (holds.length === wallet.holds.length && topUps.length === wallet.topUps.length) return wallet;
  const forgets = wallet.forgets || wallet.holds.some((hold) => hold.status !== 'absent' && !isKept(hold, now));
  return { ...wallet, holds, topUps, forgets };
}

function keep(draft: Draft, hold: Hold): Draft {
  return { ...draft, wallet: { ...draft.wallet, holds: withHold(draft.wallet.holds, hold) } };
}

/** Moves a hold's amount and remembers what it is now. */
function move(
  draft: Draft,
  kind: Exclude<EntryKind, 'top-up'>,
  hold: Exclude<Hold, { status: 'absent' }>,
  now: number,
): Draft {
  const { holdId, orderId, amount } = hold;
  return keep(record(draft, { id: entryIdOf(holdId, kind), kind, amount, orderId, holdId }, now), hold);
}

function record(
  { wallet, journal }: Draft,
  entry: Pick<Entry, 'id' | 'kind' | 'amount'> & { orderId?: string; holdId?: string },
  now: number,
): Draft {
  const { customerId, currency } = wallet;
  if (currency === undefined) throw new Error(`wallet ${customerId} has no currency`);
  const seq = wallet.entries + 1;
  const { id, kind, amount, orderId, holdId } = entry;
  const written: Entry = {
    id,
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

function done<Body>(
  { wallet, journal }: Draft,
  context: Context,
  type: EventType<Body>,
  body: NoInfer<Body>,
): Result<WalletState> {
  return { state: wallet, send: [context.answer(type, body)], journal };
}
