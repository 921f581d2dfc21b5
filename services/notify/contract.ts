import { z } from 'zod';
import { customerId, emailAddress, epochMs, mailId, messageId, orderId, reason, wordOf } from '#services/fields.ts';
import { money } from '#services/money.ts';
import { command, event } from '#shared/message.ts';

export const sent = event('notify.sent', z.object({ orderId, mailId, dispatchedAt: epochMs }));
export const sendRefused = event(
  'notify.send-refused',
  z.object({ orderId, reason: wordOf(['retracted', 'conflicting_outcome', 'rejected_address']) }),
);
/**
 * Tells the customer how the order ended. One mail per outcome. After a success mail was accepted, `failed` and
 * `cancelled` are sent as a correction.
 */
export const send = command('notify.send', {
  body: z.object({
    orderId,
    outcome: z.enum(['completed', 'failed', 'cancelled']),
    to: emailAddress,
    customerId,
    total: money,
    reason: reason.optional(),
  }),
  key: (body) => body.orderId,
  done: sent,
  refused: sendRefused,
});

export const retracted = event('notify.retracted', z.object({ orderId, accepted: z.boolean() }));
/** Undo of the success mail: one that was not accepted yet will not be sent; answers whether it was. */
export const retract = command('notify.retract', {
  body: z.object({ orderId, of: messageId }),
  key: (body) => body.orderId,
  done: retracted,
  undo: true,
});
