import { listingOf, type Listing } from '#services/notify/contract.ts';
import type { Money } from '#services/money.ts';
import { linesOf, type placed } from '#services/order/contract.ts';
import type { BodyOf } from '#shared/message.ts';

type PlacedOrder = BodyOf<typeof placed>;

/** What the saga keeps of the order that it moves; the rest is the order service's. */
export interface OrderData {
  readonly orderId: string;
  readonly customerId: string;
  readonly email: string;
  readonly total: Money;
  readonly paymentMethod: string;
  /** What is to be delivered, each sku once. Sagas that began under version 1 have none, and no step that reads it. */
  readonly parcel: readonly { readonly sku: string; readonly quantity: number }[];
  /** Epoch ms. Absent, as the listing, in sagas that began before mails told it. */
  readonly placedAt?: number | undefined;
  /** What mails show of the items. */
  readonly listing?: Listing;
}

/** What answers told. A step may read only what an earlier step learned. */
export interface OrderLearned {
  /** Of this try. Absent in sagas that began when there was one of each. */
  readonly paymentId?: string;
  readonly holdId?: string;
  readonly captureId: string;
  readonly capturedAt: number;
  readonly dispatchedAt: number;
  /** Absent: no payment is known to exist. */
  readonly payment?: 'created' | 'settled' | 'voided' | 'refunded';
}

/** `startedAt`: epoch ms at which its saga begins, for an order that does not say when it was placed. */
export function orderDataOf({ items, priced, placedAt, ...order }: PlacedOrder, startedAt?: number): OrderData {
  const listing = listingOf(linesOf({ items, priced }));
  return { ...order, placedAt: placedAt ?? startedAt, parcel: parcelOf(items), listing };
}

/** Each sku once, so that what the saga carries along does not grow with every line of the order. */
function parcelOf(items: PlacedOrder['items']): OrderData['parcel'] {
  const quantities = new Map<string, number>();
  for (const { sku, quantity } of items) quantities.set(sku, (quantities.get(sku) ?? 0) + quantity);
  return [...quantities].map(([sku, quantity]) => ({ sku, quantity }));
}
