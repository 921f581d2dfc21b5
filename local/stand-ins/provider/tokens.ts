import { z } from 'zod';
import type { Token } from './payments.ts';

/** The cards that the simulated provider knows, by their digits; every other one that it is told is good for `pm_ok`. None of them is real. */
export const cards: Readonly<Record<string, Token | `pm_declined_${number}_times`>> = {
  '4242424242424242': 'pm_ok',
  '4000000000000002': 'pm_declined',
  '4000000000000341': 'pm_declined_2_times',
};

export const tokenRequest = z.strictObject({
  number: z.string().regex(/^\d{13,19}$/),
  expirationDate: z.string().max(20),
  cvv: z.string().max(20),
});

/** The token that stands for a card from then on; of the card nothing is kept. */
export function tokenFor(number: string): string {
  return cards[number] ?? 'pm_ok';
}
