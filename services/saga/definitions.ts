import { placeOrder } from './place-order.ts';

/** What this process can run: new orders start under the first, the others are here until the last saga of them ended. */
export const definitions = [placeOrder] as const;
