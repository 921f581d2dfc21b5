import { changed, done, drafted, recorded } from './changes.ts';
import { isOpen } from './claims.ts';
import * as contract from './contract.ts';
import { movementIdOf, type Movement } from './movements.ts';
import { ADJUSTMENTS_KEPT, type StockRoom } from './room.ts';
import type { Draft, StockState } from './state.ts';
import { on, onRecalled, type Context, type Handler } from '#shared/entity/entity.ts';
import type { BodyOf } from '#shared/message.ts';

/** How much there is: opened, closed, adjusted, set. */
export function handlersOfLevel(room: StockRoom): readonly Handler<StockState>[] {
  const answered = (draft: Draft, context: Context) => {
    const { sku, onHand, reserved, version } = draft.item;
    return done(draft, context, room, contract.adjusted, { sku, onHand, reserved, version });
  };
  const refusing = (draft: Draft, context: Context) => (reason: BodyOf<typeof contract.adjustRefused>['reason']) =>
    done(draft, context, room, contract.adjustRefused, { sku: draft.item.sku, reason });

  return [
    on(contract.open, (state, { sku, quantity }, context) => {
      const draft = drafted(state, sku);
      if (draft.item.status === 'open') return done(draft, context, room, contract.opened, { sku });
      const id = movementIdOf('opened', context.message.id, sku);
      const open = changed(draft, { status: 'open' });
      const next =
        quantity === 0 ? open : recorded(open, { id, kind: 'received', quantity, reason: 'opened' }, context.now);
      return done(next, context, room, contract.opened, { sku });
    }),

    on(contract.close, (state, { sku }, context) => {
      const draft = drafted(state, sku);
      const { reserved, onHand, status, claims, openElsewhere } = draft.item;
      if (reserved > 0) {
        const openOrders = claims.filter(isOpen).length + (openElsewhere?.count ?? 0);
        return done(draft, context, room, contract.closeRefused, { sku, reserved, openOrders });
      }
      if (status === 'closed') return done(draft, context, room, contract.closed, { sku });
      const id = movementIdOf('closed', context.message.id, sku);
      const closed = changed(draft, { status: 'closed' });
      const next =
        onHand === 0
          ? closed
          : recorded(closed, { id, kind: 'adjusted', quantity: -onHand, reason: 'closed' }, context.now);
      return done(next, context, room, contract.closed, { sku });
    }),

    onRecalled(
      contract.adjust,
      (state, { sku, adjustmentId }) => (mayHaveLeft(state) ? [adjustmentRecord(sku, adjustmentId)] : []),
      (state, { sku, adjustmentId, delta, reason }, context) => {
        const draft = drafted(state, sku);
        const refuse = refusing(draft, context);
        const { item } = draft;
        const id = adjustmentRecord(sku, adjustmentId);
        const before =
          item.adjustments.find((one) => one.id === adjustmentId)?.delta ??
          (context.recorded(id) as Movement | undefined)?.quantity;
        if (before !== undefined) return before === delta ? answered(draft, context) : refuse('conflicting_adjustment');
        if (item.status === 'closed') return refuse('unknown_sku');
        if (item.onHand + delta < item.reserved) return refuse('stock_negative');
        if (item.onHand + delta > contract.MAX_ON_HAND) return refuse('limit_exceeded');
        const adjustments = [...item.adjustments, { id: adjustmentId, delta }];
        const noted: Draft = { ...draft, item: { ...item, adjustments } };
        return answered(recorded(noted, { id, kind: 'adjusted', quantity: delta, reason }, context.now), context);
      },
    ),

    on(contract.set, (state, { sku, onHand, version }, context) => {
      const draft = drafted(state, sku);
      const refuse = refusing(draft, context);
      const { item } = draft;
      if (item.status === 'closed') return refuse('unknown_sku');
      if (version !== undefined && version !== item.version) return refuse('stale');
      if (onHand < item.reserved) return refuse('stock_negative');
      const quantity = onHand - item.onHand;
      if (quantity === 0) return answered(changed(draft), context);
      const id = movementIdOf('set', context.message.id, sku);
      return answered(recorded(draft, { id, kind: 'adjusted', quantity, reason: 'set' }, context.now), context);
    }),
  ];
}

function adjustmentRecord(sku: string, adjustmentId: string): string {
  return movementIdOf('adjusted', adjustmentId, sku);
}

/** As long as all fit, none has left the document. */
function mayHaveLeft(state: StockState | undefined): boolean {
  return state !== undefined && state.adjustments.length >= ADJUSTMENTS_KEPT;
}
