import type { Said } from '#services/fields.ts';

/** What every call to the warehouse carries. */
export interface WarehouseCall {
  readonly deliveryId: string;
  /** The same for every try of the same effect, in every run. */
  readonly idempotencyKey: string;
  /** Ends all tries of this run. */
  readonly signal: AbortSignal;
  readonly traceparent?: string;
}

export interface Parcel {
  readonly orderId: string;
  readonly items: readonly { readonly sku: string; readonly quantity: number }[];
}

/**
 * Who delivers for real. A rejected promise means that the outcome is not known; the call may be made again with the
 * same key. The delivery's id is ours, because after a time-out nobody here knows whether there is one: the warehouse
 * remembers a cancellation and refuses what arrives late.
 */
export interface Warehouse {
  dispatch(
    request: WarehouseCall & Parcel,
  ): Promise<{ readonly accepted: true } | ({ readonly accepted: false } & Said)>;
  /** Ends a delivery, or forbids it. */
  cancel(request: WarehouseCall): Promise<void>;
}
