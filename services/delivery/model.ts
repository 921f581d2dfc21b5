import type { DeliveryState } from './delivery.ts';
import type { ArchiveRule } from '#shared/database/archive.ts';

export const deliveriesCollection = 'deliveries';

/** Each of its states is an end, which may still be cancelled. */
export const deliveryArchive: ArchiveRule<DeliveryState> = {
  endedAt: (state) => ('dispatchedAt' in state ? state.dispatchedAt : undefined) ?? state.createdAt ?? 0,
};

/** What a view reads of a stored delivery; `_id` is the order's id. */
export interface StoredDelivery {
  readonly _id: string;
  readonly state?: DeliveryState;
}
