import type { JournalRecord } from '#shared/entity/entity.ts';
import { joined } from '#shared/entity/entity.ts';

export const movementKinds = ['received', 'adjusted', 'reserved', 'released', 'sold'] as const;
export type MovementKind = (typeof movementKinds)[number];

/** One immutable movement. Its id follows from its cause, so that the same movement is never written twice. */
export interface Movement extends JournalRecord {
  readonly id: string;
  readonly sku: string;
  readonly kind: MovementKind;
  /** Never negative, except of `adjusted`: there it is what was added. */
  readonly quantity: number;
  readonly orderId?: string;
  readonly reason?: string;
  /** Epoch ms. */
  readonly at: number;
  /** Numbers an item's movements from 1, without gaps. */
  readonly seq: number;
}

/** `onHand` is always what was received and adjusted less what was sold. */
export interface Quantities {
  readonly onHand: number;
  /** Of that, kept for orders. */
  readonly reserved: number;
}

const effects: Readonly<Record<MovementKind, Quantities>> = {
  received: { onHand: 1, reserved: 0 },
  adjusted: { onHand: 1, reserved: 0 },
  reserved: { onHand: 0, reserved: 1 },
  released: { onHand: 0, reserved: -1 },
  sold: { onHand: -1, reserved: -1 },
};

/** What a movement makes of the quantities. */
export function moved(
  { onHand, reserved }: Quantities,
  { kind, quantity }: Pick<Movement, 'kind' | 'quantity'>,
): Quantities {
  const effect = effects[kind];
  return { onHand: onHand + effect.onHand * quantity, reserved: reserved + effect.reserved * quantity };
}

/** The id of a movement among those of all items: `cause` is the id of the message, or of the reservation, that it follows from. */
export function movementIdOf(what: string, cause: string, sku: string): string {
  return joined(what, cause, sku);
}

/** Whether a record of an item's journal is a movement. */
export function isMovement(record: JournalRecord): record is Movement {
  return 'seq' in record;
}
