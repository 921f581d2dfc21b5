import { defineSaga } from './definition.ts';
import { placeOrder } from './place-order.ts';

/** The road before there were deliveries. Goes when the last saga of it has ended. */
export const placeOrder1 = defineSaga({
  ...placeOrder,
  version: 1,
  steps: placeOrder.steps.filter(({ name }) => name !== 'arrange-delivery'),
});

/** What this process can run: new orders start under the first, the others are here until the last saga of them ended. */
export const definitions = [placeOrder, placeOrder1] as const;
