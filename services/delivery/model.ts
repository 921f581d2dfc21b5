import type { DeliveryState } from './delivery.ts';

export const deliveriesCollection = 'deliveries';

/** What a view reads of a stored delivery; `_id` is the order's id. */
export interface StoredDelivery {
  readonly _id: string;
  readonly state?: DeliveryState;
}
