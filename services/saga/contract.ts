import { z } from 'zod';
import { command, event } from '#shared/message.ts';

const orderId = z.string().min(1).max(200);

export const cancelling = event('saga.cancelling', z.strictObject({ orderId }));
export const cancelRefused = event(
  'saga.cancel-refused',
  z.strictObject({ orderId, reason: z.enum(['unknown_order', 'too_late', 'already_ended', 'parked']) }),
);
/** Asks to undo the order. Accepted until the capture (step 7) was sent; afterwards refused. */
export const cancel = command('saga.cancel', {
  body: z.strictObject({ orderId }),
  key: (body) => body.orderId,
  done: cancelling,
  refused: cancelRefused,
});
