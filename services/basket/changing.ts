import { z } from 'zod';
import type { BasketItem } from './basket.ts';
import * as contract from './contract.ts';
import type { BasketOf, PricedBasket } from './contract.ts';
import type { BasketQueries } from './view.ts';
import { givenEmail } from '#services/email-address.ts';
import { MAX_ITEMS } from '#services/fields.ts';
import {
  acceptedOrder,
  CHECKOUT,
  hasRoom,
  neededByOrder,
  type OrderDetails,
  orderPath,
} from '#services/order/contract.ts';
import { PLAIN } from '#services/pricing/contract.ts';
import { methodToken, usualMethod } from '#services/payment/contract.ts';
import { composed, submissionOf } from '#services/submitting.ts';
import type { CommandType } from '#shared/message.ts';
import type { Door, Submission } from '#shared/web/door.ts';
import { type Answer, type Call, noContent } from '#shared/web/endpoint.ts';
import { Problem } from '#shared/web/problems.ts';

type Asking = Pick<Call, 'caller' | 'trace' | 'idempotencyKey'>;

export const checkoutBody = z.strictObject({
  email: givenEmail.describe('Where mails about the order go.'),
  paymentMethod: methodToken.default(usualMethod).describe('A token that the payment provider knows.'),
});

/** So many of a product from now on. */
export function putting(basket: BasketOf, item: BasketItem, call: Asking, door: Door, baskets: BasketQueries) {
  return changing(contract.setItem, { ...basket, ...item }, call, door, baskets, async () => ({
    status: 200,
    body: { ...basket, items: await baskets.items(basket) },
  }));
}

/** A product, or everything, taken out. */
export function removing(basket: BasketOf, sku: string | undefined, call: Asking, door: Door, baskets: BasketQueries) {
  const command = { ...basket, ...(sku !== undefined && { sku }) };
  return changing(contract.remove, command, call, door, baskets, async () => noContent);
}

function changing<Body extends BasketOf>(
  command: CommandType<Body>,
  body: NoInfer<Body>,
  call: Asking,
  door: Door,
  baskets: BasketQueries,
  done: () => Promise<Answer>,
): Submission {
  const { supermarketId, userId } = body;
  return {
    ...submissionOf(command, call),
    same: body,
    compose() {
      const headers = { Location: `/v1/baskets/${[supermarketId, userId].map(encodeURIComponent).join('/')}` };
      const accepted = { status: 202, headers, body: { supermarketId, userId, state: 'pending' } };
      return composed(command, { body, customerId: userId, accepted }, call, door);
    },
    async outcome({ message }) {
      const answer = await baskets.outcome(message.key, message.id);
      if (answer?.type === contract.changeRefused.name)
        throw new Problem('invalid-transition', `a basket holds ${contract.MAX_KEPT} different products at most`, {
          members: { reason: 'too_many_items' },
        });
      return answer && done();
    },
  };
}

/** An order of what the basket shows, at these amounts. `ask` is called once, when the request is new. */
export function checkingOut(
  basket: BasketOf,
  ask: () => Promise<PricedBasket>,
  call: Asking & { readonly body: z.output<typeof checkoutBody> },
  door: Door,
  baskets: BasketQueries,
): Submission {
  const { body, caller, idempotencyKey } = call;
  return {
    kind: CHECKOUT,
    needs: [contract.checkout.route, ...neededByOrder(door)],
    isLoad: true,
    subject: caller.subject,
    idempotencyKey,
    same: { ...basket, ...body },
    async compose() {
      const { total, lines } = await ask();
      if (lines.length === 0)
        throw new Problem('invalid-transition', 'nothing is in the basket', { members: { reason: 'empty_basket' } });
      const orderId = door.clock.id();
      const items = lines.map(({ sku, quantity, unitPrice }) => ({ sku, quantity, unitPrice }));
      const priced = lines.flatMap(({ amount, strategy: { version } }, line) =>
        version === PLAIN.version ? [] : [{ line, amount, by: version }],
      );
      if (!hasRoom({ items, priced }))
        throw new Problem(
          'invalid-transition',
          `${items.length} lines, ${priced.length} of them with strategies, are too many for one order: together they may be ${MAX_ITEMS}`,
          { members: { reason: 'too_many_strategies' } },
        );
      const order: OrderDetails = { orderId, customerId: basket.userId, ...body, items, priced, total };
      const accepted = {
        status: 202,
        headers: { Location: orderPath(orderId) },
        body: acceptedOrder(order, door.clock.now()),
      };
      const { userId: customerId } = basket;
      const command = { body: { ...basket, order }, id: orderId, customerId, accepted };
      return composed(contract.checkout, command, call, door);
    },
    async outcome({ message, accepted }) {
      const answer = await baskets.outcome(message.key, message.id);
      if (answer?.type === contract.checkoutRefused.name)
        throw new Problem('invalid-transition', 'the basket was changed meanwhile: read it again', {
          members: { reason: 'basket_changed' },
        });
      return answer && accepted;
    },
  };
}
