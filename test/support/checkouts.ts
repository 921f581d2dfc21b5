/** Checkouts for tests: what somebody fills in, and cards that are sealed in the clear, for worlds that run under a virtual clock. */
import { tokenFor } from '#local/stand-ins/provider/tokens.ts';
import type { Card, CardOpener } from '#services/card-sealing.ts';
import type { SealedCards } from '#services/checkout/view.ts';
import type { Alike } from '#services/suggestions/suggestions.ts';
import { goods } from './goods.ts';

export const goodCard: Card = { number: '4242 4242 4242 4242', expirationDate: '12/40', cvv: '123' };

/** A checkout that is approved, with these changes. */
export function checkoutBody(changes: object = {}) {
  return {
    customerId: 'alice',
    user: { name: 'Alice Liddell', contact: 'alice@example.org' },
    items: [{ sku: 'book', quantity: 2 }],
    creditCard: goodCard,
    billingAddress: { street: 'Rabbit Hole 1', city: 'Oxford', state: 'Oxfordshire', zip: 'OX1 1AA', country: 'UK' },
    termsAccepted: true,
    ...changes,
  };
}

const PREFIX = 'sealed in a test:';

/** No encryption: it would take real time in a world whose clock stands still. */
export async function sealedPlainly(card: Card): Promise<SealedCards> {
  const text = `${PREFIX}${Buffer.from(JSON.stringify(card)).toString('base64url')}`;
  return { verification: text, fraud: text };
}
const plainOpener: CardOpener = {
  open: async (text) => JSON.parse(Buffer.from(text.slice(PREFIX.length), 'base64url').toString()) as Card,
};

/** By the order of the goods of tests. */
export const alikeGoods: Alike = async (skus, limit) => goods.filter(({ sku }) => !skus.includes(sku)).slice(0, limit);

/** What the services of a checkout ask for from outside. */
export const checkoutPorts = {
  verificationCards: plainOpener,
  fraudCards: plainOpener,
  tokenizer: { tokenOf: async ({ number }: Card) => tokenFor(number.replaceAll(/\D/g, '')) },
  alike: alikeGoods,
  checkoutFlow: 'chain',
  isRunByAll: () => true,
  checkoutTiming: {
    stepDeadlineMs: 5000,
    sagaDeadlineMs: 30 * 24 * 3_600_000,
    resend: { baseMs: 2000, capMs: 60_000 },
  },
} as const;
