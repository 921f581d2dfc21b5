import { z } from 'zod';
import { acceptedOrder, neededByOrder, type OrderDetails, orderItem, orderPath, orders, placeOf } from './contract.ts';
import { type AskedLine, priced } from './pricing.ts';
import { checkStated, totalOf } from './total.ts';
import { requireCustomer } from '#services/access.ts';
import { products } from '#services/catalogue/contract.ts';
import { givenEmail } from '#services/email-address.ts';
import * as fields from '#services/fields.ts';
import { exactMoney } from '#services/money.ts';
import { methodToken, usualMethod } from '#services/payment/contract.ts';
import type { Door, Submission } from '#shared/web/door.ts';
import type { Call } from '#shared/web/endpoint.ts';

const item = z.strictObject({
  ...orderItem.shape,
  unitPrice: exactMoney
    .optional()
    .describe('What the client believes that one costs. When the catalogue says otherwise, nothing is ordered.'),
});

/** One currency per order; prices are the catalogue's, the total is computed, neither is taken from the client. */
export const placeOrder = z.strictObject({
  customerId: fields.customerId.describe('Who orders; a customer can only order as itself.'),
  email: givenEmail.describe('Where mails about the order go; letters of any script.'),
  items: fields.listOf(item, fields.MAX_ITEMS).describe('One currency for all of them.'),
  paymentMethod: methodToken
    .default(usualMethod)
    .describe('A token that the payment provider knows; an order with another one fails.'),
});
export type PlaceOrder = z.output<typeof placeOrder>;

/**
 * The order that a client wants, as the command that begins it, at the prices of the moment when it is accepted. Throws `Problem`: forbidden,
 * validation; composing it also unknown-product and price-changed.
 */
export function placing({ body, caller, trace, idempotencyKey }: Call<unknown, PlaceOrder>, door: Door): Submission {
  requireCustomer(caller, body.customerId);
  const { clock } = door;
  checkStated(body.items);
  return {
    kind: orders.asked,
    needs: neededByOrder(door),
    isLoad: true,
    subject: caller.subject,
    idempotencyKey,
    same: body,
    async compose() {
      const { items, total } = await pricedAt(body.items, door);
      const orderId = clock.id();
      const details: OrderDetails = { orderId, ...body, items, total };
      return {
        resourceId: orderId,
        customerId: body.customerId,
        ...placeOf(details, trace),
        accepted: {
          status: 202,
          headers: { Location: orderPath(orderId) },
          body: acceptedOrder(details, clock.now()),
        },
      };
    },
  };
}

/** The lines at the prices of this moment, and their sum. Throws `Problem`: unknown-product, price-changed, validation. */
export async function pricedAt(
  asked: readonly AskedLine[],
  { lookUp }: Pick<Door, 'lookUp'>,
): Promise<Pick<OrderDetails, 'items' | 'total'>> {
  const offered = await lookUp(products, [...new Set(asked.map(({ sku }) => sku))]);
  const items = priced(asked, new Map(offered.map(({ sku, price }) => [sku, price])));
  return { items, total: totalOf(items, asked) };
}
