import type { Page, PageQuery } from '#shared/web/cursors.ts';

/**
 * What the gateway reads: the read-only queries of the services, as plain objects in the API's fixed shapes. The
 * services' `view.ts` files implement it over MongoDB; a test passes objects of its own.
 */
export interface Views {
  readonly orders: {
    find(orderId: string): Promise<OrderView | undefined>;
    list(query: OrderQuery): Promise<Page<OrderView>>;
  };
  readonly payments: { byOrder(orderId: string): Promise<Page<object>> };
  readonly deliveries: { byOrder(orderId: string): Promise<Page<object>> };
  readonly wallets: {
    wallet(customerId: string): Promise<object | undefined>;
    entries(customerId: string, query: PageQuery): Promise<Page<object>>;
    outcome(customerId: string, messageId: string): Promise<Outcome | undefined>;
  };
  readonly sagas: {
    /** `undefined`: the saga has not begun. */
    timeline(orderId: string): Promise<object | undefined>;
    /** The timeline until then. `acceptedAt` in epoch ms. */
    notBegun(orderId: string, acceptedAt: number): object;
    outcome(orderId: string, messageId: string): Promise<Outcome | undefined>;
  };
  readonly breakers: { transitions(route: string, query: PageQuery): Promise<Page<object>> };
  readonly emails: { emails(orderId: string): Promise<Page<object>> };
}

export interface OrderView {
  readonly id: string;
  readonly customerId: string;
  readonly status: OrderStatus;
  readonly createdAt: string;
}

export type OrderStatus = 'pending' | 'paid' | 'completed' | 'failed' | 'cancelled';

export interface OrderQuery extends PageQuery {
  readonly customerId?: string;
  readonly status?: OrderStatus;
}

/** The remembered answer to a message: its event name and body. */
export interface Outcome {
  readonly type: string;
  readonly body: unknown;
}
