import { orderMessage } from '#bench/loop/load.ts';
import { type Card, cardKey, cardSealer } from '#services/card-sealing.ts';
import { begin, type CheckoutForm } from '#services/checkout/contract.ts';
import { systemClock } from '#shared/clock.ts';

const CARD: Card = { number: '4242 4242 4242 4242', expirationDate: '12/40', cvv: '123' };
const verification = cardKey('a secret of the benchmark, for verification alone');
const fraud = cardKey('a secret of the benchmark, for fraud alone, and another one');
const sealed = cardSealer();

/** Those who open cards, with real keys. */
export const cardPorts = { verificationCards: verification, fraudCards: fraud };

/** A checkout of the same order as `orderMessage`, with the card sealed as the door does it. */
export async function checkoutMessage(orderId: string, customer: number) {
  const { paymentMethod: _, ...order } = orderMessage(orderId, customer).body;
  const [forVerification, forFraud] = await Promise.all(
    [verification, fraud].map((key) => sealed(CARD, key.publicKey, systemClock.now())),
  );
  const { customerId, email, items } = order;
  const body: CheckoutForm = {
    orderId,
    customerId,
    user: { name: 'Somebody', contact: email },
    billingAddress: { street: 'Station Road 1', city: 'Leeds', state: 'Yorkshire', zip: 'LS1 4DY', country: 'UK' },
    termsAccepted: true,
    items: items.map(({ sku, quantity }) => ({ sku, quantity })),
    order,
    cards: { verification: forVerification!, fraud: forFraud! },
  };
  return { id: `${orderId}:begin`, type: begin.name, key: orderId, correlationId: orderId, body };
}
