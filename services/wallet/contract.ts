import { z } from 'zod';
import { money } from '#services/money.ts';
import { command, event } from '#shared/message.ts';

const customerId = z.string().min(1).max(200);
const holdId = z.string().min(1).max(220);
const ofHold = { customerId, orderId: z.string().min(1), holdId };

/** One hold per order: its id follows from the order's. */
export function holdIdOf(orderId: string): string {
  return `hold-${orderId}`;
}

export const held = event('wallet.held', z.strictObject({ holdId }));
export const refused = event(
  'wallet.refused',
  z.strictObject({
    holdId,
    reason: z.enum([
      'insufficient_funds',
      'unknown_customer',
      'currency_mismatch',
      'already_undone',
      'conflicting_hold',
    ]),
  }),
);
/** Step 5: reserves `amount`; refused means that nothing is held. */
export const hold = command('wallet.hold', {
  body: z.strictObject({ ...ofHold, amount: money }),
  key: (body) => body.customerId,
  done: held,
  refused,
});

export const released = event('wallet.released', z.strictObject({ holdId }));
/** Undo of `hold`. After a capture it answers the same and does nothing. `of` is the id of the hold command. */
export const release = command('wallet.release', {
  body: z.strictObject({ ...ofHold, of: z.string().min(1) }),
  key: (body) => body.customerId,
  done: released,
  undo: true,
});

export const captured = event(
  'wallet.captured',
  z.strictObject({ holdId, captureId: z.string(), capturedAt: z.int() }),
);
export const captureRefused = event(
  'wallet.capture-refused',
  z.strictObject({ holdId, reason: z.enum(['no_such_hold', 'already_undone']) }),
);
/** Step 7: takes the held amount. `captureId` is the id of its ledger entry. */
export const capture = command('wallet.capture', {
  body: z.strictObject(ofHold),
  key: (body) => body.customerId,
  done: captured,
  refused: captureRefused,
});

export const refundedToWallet = event('wallet.refunded', z.strictObject({ holdId }));
/** Undo of `capture`: gives back what was captured; without a capture, forbids a later one. `of` is the id of the capture command. */
export const refundToWallet = command('wallet.refund', {
  body: z.strictObject({ ...ofHold, of: z.string().min(1) }),
  key: (body) => body.customerId,
  done: refundedToWallet,
  undo: true,
});

export const toppedUp = event('wallet.topped-up', z.strictObject({ topUpId: z.string() }));
export const topUpRefused = event(
  'wallet.top-up-refused',
  z.strictObject({
    topUpId: z.string(),
    reason: z.enum(['currency_mismatch', 'limit_exceeded', 'conflicting_top_up']),
  }),
);
/**
 * Adds money; the first one creates the wallet in its currency. The entry's id is `topUpId`, which must be unique among
 * all customers: again with the same amount it answers the same, with another amount or customer it is refused.
 */
export const topUp = command('wallet.top-up', {
  body: z.strictObject({ customerId, topUpId: z.string().min(1).max(220), amount: money }),
  key: (body) => body.customerId,
  done: toppedUp,
  refused: topUpRefused,
});
