import { done, drafted, keep, recorded } from './changes.ts';
import { claimOf, isUndone, longer, recordsOfClaim, withUndone, type Claim, type Reservation } from './claims.ts';
import * as contract from './contract.ts';
import { movementIdOf } from './movements.ts';
import type { StockRoom } from './room.ts';
import type { Draft, StockState } from './state.ts';
import { onRecalled, type Context, type Handler, type Recorded } from '#shared/entity/entity.ts';
import type { BodyOf } from '#shared/message.ts';

interface OfOrder {
  readonly sku: string;
  readonly orderId: string;
}

const recalls = (state: StockState | undefined, ofOrder: OfOrder, found: Recorded): readonly string[] =>
  recordsOfClaim(state, ofOrder, found);

/** What orders take: reserved, released, committed, returned. */
export function handlersOfOrders(room: StockRoom, skewMs: number): readonly Handler<StockState>[] {
  /** What is known of the order, and how to keep what becomes of it. */
  const known = (state: StockState | undefined, { sku, orderId }: OfOrder, context: Context) => {
    const draft = drafted(state, sku);
    const { claim, isElsewhere } = claimOf(draft.item, orderId, context.recorded);
    const keeping = (next: Claim, from: Draft = draft) => keep(from, next, isElsewhere ? claim : undefined);
    return { draft, claim, keeping };
  };
  const markOf = (id: string, { message: { rememberUntil } }: Context) =>
    rememberUntil === undefined ? { id } : { id, until: rememberUntil + skewMs };

  return [
    onRecalled(contract.reserve, recalls, (state, { sku, orderId, quantity, expiresAt }, context) => {
      const { draft, claim, keeping } = known(state, { sku, orderId }, context);
      const { item } = draft;
      const { id: of } = context.message;
      const { reservation } = claim;
      const refuse = (reason: BodyOf<typeof contract.reserveRefused>['reason']) =>
        done(draft, context, room, contract.reserveRefused, { sku, orderId, reason });
      const reserved = (next: Draft) => done(next, context, room, contract.reserved, { sku, orderId });
      if (isUndone(claim, of)) return refuse('already_undone');
      if (reservation?.of === of) {
        if (reservation.status === 'returned' || reservation.status === 'released') return refuse('already_undone');
        return reservation.quantity === quantity ? reserved(keeping(claim)) : refuse('conflicting_reservation');
      }
      if (reservation !== undefined && reservation.status !== 'released') return refuse('conflicting_reservation');
      if (item.status === 'closed') return refuse('unknown_product');
      if (item.onHand - item.reserved < quantity) return refuse('insufficient_stock');
      const next: Reservation = { of, quantity, since: context.now, expiresAt, status: 'open' };
      const id = movementIdOf('reserved', of, sku);
      const taken = recorded(draft, { id, kind: 'reserved', quantity, orderId }, context.now);
      return reserved(keeping({ ...claim, reservation: next }, taken));
    }),

    onRecalled(contract.release, recalls, (state, { sku, orderId, of }, context) => {
      const { draft, claim, keeping } = known(state, { sku, orderId }, context);
      const { reservation } = claim;
      const released = (next: Draft) => done(next, context, room, contract.released, { sku, orderId });
      if (reservation?.of === of && (reservation.status === 'sold' || reservation.status === 'returned'))
        return released(keeping(claim));
      const mark = longer(
        claim.undone.find(({ id }) => id === of),
        markOf(of, context),
      );
      const undone = withUndone(claim, mark);
      if (reservation?.of !== of || reservation.status !== 'open') return released(keeping(undone));
      const { quantity } = reservation;
      const id = movementIdOf('released', of, sku);
      const given = recorded(draft, { id, kind: 'released', quantity, orderId }, context.now);
      return released(keeping({ ...undone, reservation: { ...reservation, status: 'released' } }, given));
    }),

    onRecalled(contract.commit, recalls, (state, { sku, orderId }, context) => {
      const { draft, claim, keeping } = known(state, { sku, orderId }, context);
      const { reservation, uncommitted } = claim;
      const refuse = (reason: BodyOf<typeof contract.commitRefused>['reason']) =>
        done(draft, context, room, contract.commitRefused, { sku, orderId, reason });
      const committed = (next: Draft) => done(next, context, room, contract.committed, { sku, orderId });
      if (uncommitted !== undefined) return refuse('already_undone');
      if (reservation === undefined) return refuse('no_such_reservation');
      if (reservation.status === 'sold') return committed(keeping(claim));
      if (reservation.status !== 'open') return refuse('already_undone');
      const { of, quantity } = reservation;
      const id = movementIdOf('sold', of, sku);
      const sold = recorded(draft, { id, kind: 'sold', quantity, orderId }, context.now);
      return committed(keeping({ ...claim, reservation: { ...reservation, status: 'sold' } }, sold));
    }),

    onRecalled(contract.returnSold, recalls, (state, { sku, orderId, of }, context) => {
      const { draft, claim, keeping } = known(state, { sku, orderId }, context);
      const { reservation, uncommitted } = claim;
      const returned = (next: Draft) => done(next, context, room, contract.returned, { sku, orderId });
      if (reservation?.status === 'returned') return returned(keeping(claim));
      if (reservation?.status !== 'sold')
        return returned(keeping({ ...claim, uncommitted: longer(uncommitted, markOf(of, context)) }));
      const { quantity } = reservation;
      const id = movementIdOf('returned', reservation.of, sku);
      const given = { id, kind: 'received', quantity, orderId, reason: 'returned' } as const;
      return returned(
        keeping({ ...claim, reservation: { ...reservation, status: 'returned' } }, recorded(draft, given, context.now)),
      );
    }),
  ];
}
