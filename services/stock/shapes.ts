import { z } from 'zod';
import { movementKinds } from './movements.ts';
import { named, shape, time } from '#shared/web/shapes.ts';

export const levelShape = named(
  'StockItem',
  shape({
    sku: z.string().describe('Of what.'),
    onHand: z.int().min(0).describe('How many there are.'),
    reserved: z.int().min(0).describe('How many of them are kept for orders.'),
    available: z.int().min(0).describe('How many can be ordered.'),
    version: z.int().min(1).describe('Counts the changes; its ETag.'),
  }).meta({ examples: [{ sku: 'tea', onHand: 120, reserved: 3, available: 117, version: 12 }] }),
);

export const movementShape = named(
  'StockMovement',
  shape({
    id: z.string().describe('Unique within the item.'),
    kind: z
      .enum(movementKinds)
      .describe('What happened. On hand is what was received and adjusted, less what was sold.'),
    quantity: z.int().describe('How many; of `adjusted` what was added, which may be negative.'),
    orderId: z.string().optional().describe('The order that caused it.'),
    reason: z.string().optional().describe('Why.'),
    at: time.describe('When.'),
  }).meta({
    examples: [
      {
        id: '12',
        kind: 'reserved',
        quantity: 2,
        orderId: '0193f7a0-5a5a-7000-8000-00004f2a91bc',
        at: '2026-11-28T13:05:00.512Z',
      },
    ],
  }),
);
export type MovementView = z.infer<typeof movementShape>;

export const reservationShape = named(
  'StockReservation',
  shape({
    orderId: z.string().describe('For which order.'),
    quantity: z.int().min(1).describe('How many.'),
    since: time.describe('When they were reserved.'),
    expiresAt: time.describe('The order has ended by then.'),
  }).meta({
    examples: [
      {
        orderId: '0193f7a0-5a5a-7000-8000-00004f2a91bc',
        quantity: 2,
        since: '2026-11-28T13:05:00.512Z',
        expiresAt: '2026-12-05T13:05:00.100Z',
      },
    ],
  }),
);
export type ReservationView = z.infer<typeof reservationShape>;

export const adjustmentShape = shape({
  id: z.string().describe('The id of the adjustment.'),
  sku: z.string().describe('Of what.'),
  delta: z.int().describe('By how much.'),
  reason: z.string().describe('Why.'),
  state: z.enum(['pending', 'done', 'refused']).describe('How it ended.'),
});
