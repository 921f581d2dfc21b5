import { z } from 'zod';
import { asked, clearing, finalClock, happened, notPassed } from '#services/checkout-flow.ts';
import { money } from '#services/money.ts';
import { sealedCard, user } from '#services/verification/contract.ts';
import { command, event } from '#shared/message.ts';

export const passed = event('fraud.passed', z.object(happened));
export const rejected = event('fraud.rejected', notPassed);

const answers = { key: ({ orderId }: { readonly orderId: string }) => orderId, done: passed, refused: rejected };
/** What is bought; absent where nothing is. */
const bought = { pieces: z.int().min(0), total: money.optional() };

/** Event D: what the user filled in speaks of no fraud. */
export const checkUser = command('fraud.check-user', { body: z.object({ ...asked, user, ...bought }), ...answers });
/** Event E: neither does the card. */
export const checkCard = command('fraud.check-card', {
  body: z.object({ ...asked, card: sealedCard, ...bought }),
  ...answers,
});

export const cleared = event('fraud.cleared', clearing);
/** The end of a checkout, with its final clock. */
export const clear = command('fraud.clear', {
  body: finalClock,
  key: (body) => body.orderId,
  done: cleared,
  undo: true,
});
