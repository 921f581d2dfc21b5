import { isOpen, reservedBy, type Claim } from './claims.ts';
import { moved, type Movement } from './movements.ts';
import { withinBounds, type StockRoom } from './room.ts';
import type { Draft, StockState } from './state.ts';
import type { Context, Result } from '#shared/entity/entity.ts';
import type { EventType } from '#shared/message.ts';

export function emptyItem(sku: string): StockState {
  return {
    sku,
    status: 'closed',
    onHand: 0,
    reserved: 0,
    available: 0,
    version: 0,
    movements: 0,
    claims: [],
    forgets: false,
    adjustments: [],
  };
}

export function drafted(state: StockState | undefined, sku: string): Draft {
  return { item: state ?? emptyItem(sku), journal: [] };
}

/** The item is another one now. */
export function changed({ item, journal }: Draft, to: Partial<StockState> = {}): Draft {
  return { item: { ...item, ...to, version: item.version + 1 }, journal };
}

/** The draft with this movement. */
export function recorded(
  { item, journal }: Draft,
  movement: Pick<Movement, 'id' | 'kind' | 'quantity'> & { readonly orderId?: string; readonly reason?: string },
  now: number,
): Draft {
  const seq = item.movements + 1;
  const { id, kind, quantity, orderId, reason } = movement;
  const written: Movement = {
    id,
    sku: item.sku,
    kind,
    quantity,
    ...(orderId !== undefined && { orderId }),
    ...(reason !== undefined && { reason }),
    at: now,
    seq,
  };
  return changed({ item: { ...item, ...moved(item, written), movements: seq }, journal: [...journal, written] });
}

/** The draft that knows this of the order. `cameBack`: what it knew of it had left the document. */
export function keep({ item, journal }: Draft, claim: Claim, cameBack: Claim | undefined): Draft {
  const claims = [...item.claims.filter(({ orderId }) => orderId !== claim.orderId), claim];
  if (cameBack === undefined || !isOpen(cameBack)) return { item: { ...item, claims }, journal };
  const { openElsewhere, ...rest } = item;
  const count = (openElsewhere?.count ?? 0) - 1;
  const quantity = (openElsewhere?.quantity ?? 0) - reservedBy(cameBack);
  return { item: { ...rest, claims, ...(count > 0 && { openElsewhere: { count, quantity } }) }, journal };
}

/** The draft as the result of a handler, with its answer. */
export function done<Body>(
  draft: Draft,
  context: Context,
  room: StockRoom,
  type: EventType<Body>,
  body: NoInfer<Body>,
): Result<StockState> {
  const { item, journal } = withinBounds(draft, context.now, room);
  const available = item.onHand - item.reserved;
  return { state: { ...item, available }, send: [context.answer(type, body)], journal };
}
