import type { Said } from '#services/fields.ts';
import type { Money } from '#services/money.ts';

/** What every call to the provider carries. */
export interface ProviderCall {
  readonly paymentId: string;
  /** The same for every try of the same effect. */
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
  readonly traceparent?: string;
}

export type ProviderDecision = { readonly approved: true } | ({ readonly approved: false } & Said);

/**
 * Who moves the customer's money for real. A rejected promise means that the outcome is not known; the call may be made
 * again with the same key. Voids and refunds name the payment, not an authorization, because after a time-out nobody
 * here knows whether there is one: the provider remembers them and refuses what arrives late.
 */
export interface Provider {
  authorize(
    request: ProviderCall & { readonly orderId: string; readonly amount: Money; readonly method: string },
  ): Promise<ProviderDecision>;
  capture(request: ProviderCall): Promise<ProviderDecision>;
  /** Ends an authorization, or forbids it. Leaves one that was captured to `refund`. */
  void(request: ProviderCall): Promise<void>;
  /** Gives back what was captured, or forbids a capture. `refunded`: there was one. */
  refund(request: ProviderCall): Promise<{ readonly refunded: boolean }>;
}
