import { z } from 'zod';
import { money } from '#services/money.ts';
import { command, event } from '#shared/message.ts';

const orderId = z.string().min(1).max(200);

export const sent = event('notify.sent', z.strictObject({ orderId, mailId: z.string(), dispatchedAt: z.int() }));
export const sendRefused = event(
  'notify.send-refused',
  z.strictObject({ orderId, reason: z.enum(['retracted', 'conflicting_outcome', 'rejected_address']) }),
);
/**
 * Tells the customer how the order ended. One mail per outcome. After a success mail was accepted, `failed` and
 * `cancelled` are sent as a correction.
 */
export const send = command('notify.send', {
  body: z.strictObject({
    orderId,
    outcome: z.enum(['completed', 'failed', 'cancelled']),
    to: z.string().min(3).max(320),
    customerId: z.string().min(1),
    total: money,
    reason: z.string().optional(),
  }),
  key: (body) => body.orderId,
  done: sent,
  refused: sendRefused,
});

export const retracted = event('notify.retracted', z.strictObject({ orderId, accepted: z.boolean() }));
/** Undo of the success mail: one that was not accepted yet will not be sent; answers whether it was. */
export const retract = command('notify.retract', {
  body: z.strictObject({ orderId, of: z.string().min(1) }),
  key: (body) => body.orderId,
  done: retracted,
  undo: true,
});
