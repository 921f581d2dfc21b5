import type { CheckoutForm } from './contract.ts';
import { begin } from './contract.ts';
import type { CheckoutBody, CheckoutView } from './shapes.ts';
import type { CheckoutQueries } from './view.ts';
import { requireCustomer } from '#services/access.ts';
import { isEmailAddress } from '#services/email-address.ts';
import { pricedLines } from '#services/order/contract.ts';
import { participants } from '#services/checkout-flow.ts';
import { slowing } from '#services/circuit-breaker/contract.ts';
import { inbox } from '#shared/bus/topology/topology.ts';
import type { Door, Submission } from '#shared/web/door.ts';
import type { Answer, Call } from '#shared/web/endpoint.ts';

/** Once the checkout's own service and the three have a document of it, the answer is certain; until then it may still be nothing. */
export function placingCheckout(
  { body, caller, trace, idempotencyKey }: Call<unknown, CheckoutBody>,
  door: Door,
  checkouts: CheckoutQueries,
): Submission {
  requireCustomer(caller, body.customerId);
  const { clock, outcomeMs } = door;
  const { creditCard, ...rest } = body;
  return {
    kind: 'checkout',
    needs: [begin.route, ...participants],
    isLoad: true,
    subject: caller.subject,
    idempotencyKey,
    // Of the card no more than a receipt shows: what is kept of a request must not tell it, not even hashed.
    same: {
      ...rest,
      card: { ends: creditCard.number.replaceAll(/\D/g, '').slice(-4), expires: creditCard.expirationDate },
    },
    async compose() {
      const orderId = clock.id();
      const order = await orderOf(orderId, body, door);
      const { delayMs } = await door.lookUp(slowing, begin.route);
      const { customerId, user, billingAddress, termsAccepted, items } = body;
      const cards = await checkouts.seal(creditCard, clock.now());
      const notAfter = clock.now() + outcomeMs + delayMs;
      const form: CheckoutForm = {
        orderId,
        customerId,
        user,
        billingAddress,
        termsAccepted,
        items,
        cards,
        notAfter,
        ...order,
      };
      const accepted: CheckoutView = { checkoutId: orderId, status: 'pending', suggestions: [] };
      return {
        resourceId: orderId,
        customerId,
        exchange: inbox(begin.route),
        message: {
          id: `${orderId}:begin`,
          type: begin.name,
          key: begin.key(form),
          body: form,
          correlationId: orderId,
          traceparent: trace.traceparent,
        },
        forgetsBody: true,
        accepted: { status: 202, headers: { Location: checkoutPath(orderId) }, body: accepted },
      };
    },
    outcome: async ({ resourceId }) => decided(await checkouts.find(resourceId)),
  };
}

/** At the prices of this moment. Throws `Problem`: unknown-product. An empty basket has no order; a rule says so. */
async function orderOf(
  orderId: string,
  { customerId, user, items: asked }: CheckoutBody,
  { lookUp }: Pick<Door, 'lookUp'>,
): Promise<Pick<CheckoutForm, 'order'>> {
  if (asked.length === 0) return {};
  const { items, total } = await lookUp(pricedLines, asked);
  // An address that is none is rejected before it can become an order's.
  const email = isEmailAddress(user.contact) ? user.contact : 'nobody@example.org';
  return { order: { orderId, customerId, email, items, total } };
}

/** The answer to a checkout that is decided; `undefined`: it is not, or failed. */
export function decided(found: Awaited<ReturnType<CheckoutQueries['find']>>): Answer | undefined {
  const status = found?.checkout.status;
  if (found === undefined || status === 'pending' || status === 'failed') return undefined;
  const { checkout } = found;
  return { status: 201, headers: { Location: checkoutPath(checkout.checkoutId) }, body: checkout };
}

export function checkoutPath(checkoutId: string): string {
  return `/v1/checkouts/${encodeURIComponent(checkoutId)}`;
}
