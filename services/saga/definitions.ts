import { placeOrder1, placeOrder2 } from './place-order-before.ts';
import { placeOrder } from './place-order.ts';

/** What this process can run: new orders start under the first, the others are here until the last saga of them ended. */
export const definitions = [placeOrder, placeOrder2, placeOrder1] as const;
