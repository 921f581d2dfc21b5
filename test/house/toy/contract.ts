import { z } from 'zod';
import { customerId, messageId, orderId, reason } from '#services/fields.ts';
import { money } from '#services/money.ts';
import { command, event } from '#shared/message.ts';

export const cleared = event('loyalty.cleared', z.object({ orderId }));
export const refused = event('loyalty.refused', z.object({ orderId, reason }));
/** Whether this customer may spend so much at once. */
export const check = command('loyalty.check', {
  body: z.object({ orderId, customerId, amount: money }),
  key: (body) => body.orderId,
  done: cleared,
  refused,
});

export const forgotten = event('loyalty.forgotten', z.object({ orderId }));
/** Undo of `check`. A later `check` is refused. */
export const forget = command('loyalty.forget', {
  body: z.object({ orderId, of: messageId }),
  key: (body) => body.orderId,
  done: forgotten,
  undo: true,
});
