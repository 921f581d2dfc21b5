import type { OrderData, OrderLearned } from '#services/saga/order-data.ts';
import { askedSteps, defineSaga } from '#shared/saga/definition.ts';
import type { Written } from '#shared/saga/writing.ts';
import { placeOrder, placeOrder2 } from '#services/saga/place-order-versions.ts';

const like = (name: string, after: readonly string[]): Written<OrderData, OrderLearned> => ({
  ...askedSteps(placeOrder2).find((step) => step.name === name)!,
  after,
});

/** Payment, hold and delivery at once; the mail when the payment and the delivery are there; then the order. */
export const wide = defineSaga({
  ...placeOrder,
  version: 50,
  cancellableBefore: 'notify-customer',
  steps: [
    like('create-payment', ['initialise-order']),
    like('hold-funds', ['initialise-order']),
    like('arrange-delivery', ['initialise-order']),
    like('notify-customer', ['create-payment', 'arrange-delivery']),
    like('record-dispatch', ['hold-funds', 'notify-customer']),
  ],
});
