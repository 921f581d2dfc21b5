import { z } from 'zod';
import { customerId, derivedId, epochMs, messageId, orderId, topUpId, wordOf } from '#services/fields.ts';
import { money, someMoney } from '#services/money.ts';
import type { AuditedKind } from '#shared/audited-thing.ts';
import { command, event } from '#shared/message.ts';

const holdId = derivedId;
const ofHold = { customerId, orderId, holdId };

/** One hold for each try of an order that begins anew: their ids follow from the order's. Of several, one at most is not released. */
export function holdIdOf(orderId: string, number = 1): string {
  return number === 1 ? `hold-${orderId}` : `hold-${orderId}:${number}`;
}

/** What a ledger is about: the wallet of a customer. */
export const wallets: AuditedKind = { name: 'wallets', id: 'customerId' };

export const held = event('wallet.held', z.object({ holdId }));
export const refused = event(
  'wallet.refused',
  z.object({
    holdId,
    reason: wordOf([
      'insufficient_funds',
      'unknown_customer',
      'currency_mismatch',
      'already_undone',
      'conflicting_hold',
      'too_many_holds',
    ]),
  }),
);
/** Step 5: reserves `amount`; refused means that nothing is held. An amount of 0 needs no wallet, whatever its currency. */
export const hold = command('wallet.hold', {
  body: z.object({ ...ofHold, amount: money }),
  key: (body) => body.customerId,
  done: held,
  refused,
});

export const released = event('wallet.released', z.object({ holdId }));
/** Undo of `hold`. After a capture it answers the same and does nothing. `of` is the id of the hold command. */
export const release = command('wallet.release', {
  body: z.object({ ...ofHold, of: messageId }),
  key: (body) => body.customerId,
  done: released,
  undo: true,
});

export const captured = event('wallet.captured', z.object({ holdId, captureId: derivedId, capturedAt: epochMs }));
export const captureRefused = event(
  'wallet.capture-refused',
  z.object({ holdId, reason: wordOf(['no_such_hold', 'already_undone']) }),
);
/** Step 7: takes the held amount. `captureId` is the id of its ledger entry. */
export const capture = command('wallet.capture', {
  body: z.object(ofHold),
  key: (body) => body.customerId,
  done: captured,
  refused: captureRefused,
});

export const refundedToWallet = event('wallet.refunded', z.object({ holdId }));
/** Undo of `capture`: gives back what was captured; without a capture, forbids a later one. `of` is the id of the capture command. */
export const refundToWallet = command('wallet.refund', {
  body: z.object({ ...ofHold, of: messageId }),
  key: (body) => body.customerId,
  done: refundedToWallet,
  undo: true,
});

export const toppedUp = event('wallet.topped-up', z.object({ topUpId }));
export const topUpRefused = event(
  'wallet.top-up-refused',
  z.object({
    topUpId,
    reason: wordOf(['currency_mismatch', 'limit_exceeded', 'conflicting_top_up']),
  }),
);
/**
 * Adds money; the first one creates the wallet in its currency. `topUpId` names its entry in this customer's wallet: again
 * with the same amount it answers the same, with another amount it is refused.
 */
export const topUp = command('wallet.top-up', {
  body: z.object({ customerId, topUpId, amount: someMoney }),
  key: (body) => body.customerId,
  done: toppedUp,
  refused: topUpRefused,
});
