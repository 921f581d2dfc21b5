import { z } from 'zod';
import { MAX_OVERRIDE_MS, MAX_PARKED_LISTED, gateSchema } from '#services/circuit-breaker/contract.ts';
import { letterStateSchema, rateSchema, selectionSchema } from '#services/dead-letters/contract.ts';
import { EMAIL_PATTERN, isEmailAddress } from '#services/email-address.ts';
import * as fields from '#services/fields.ts';
import { currency, money as tolerantMoney, someMoney } from '#services/money.ts';
import { cursor, limit, limitUpTo } from '#shared/web/parameters.ts';
import { type Faults, faultsSchema } from '#shared/host/faults.ts';

/** What clients send. The same schemas validate and make the OpenAPI document; see `shapes.ts` for what they get. */

export const { customerId } = fields;
/** What the door takes, it takes exactly; on the bus readers are tolerant. */
const money = z.strictObject(tolerantMoney.shape);

/** A top-up creates a wallet: its name is held to what an order's customer is. */
export const walletPath = z.object({ customerId });

export const paymentMethod = z.enum(['pm_ok', 'pm_declined', 'pm_slow', 'pm_timeout']);

const email = z
  .string()
  .max(fields.MAX_EMAIL_BYTES)
  .regex(EMAIL_PATTERN, { error: 'must be an e-mail address', abort: true })
  .refine(isEmailAddress, 'must be an e-mail address');

const orderItem = z.strictObject({ sku: fields.sku, quantity: fields.quantity, unitPrice: money });

/** One currency per order; the total is computed, never taken from the client. */
export const placeOrder = z.strictObject({
  customerId,
  email,
  items: fields.listOf(orderItem, fields.MAX_ITEMS),
  paymentMethod: paymentMethod.default('pm_ok'),
});
export type PlaceOrder = z.output<typeof placeOrder>;

export const topUp = z.strictObject(someMoney.shape);
export type TopUp = z.output<typeof topUp>;

export const cancelOrder = z.strictObject({});
export type CancelOrder = z.output<typeof cancelOrder>;

export const orderStatus = z.enum(['pending', 'paid', 'completed', 'failed', 'cancelled']);

export const listOrders = z.strictObject({
  limit,
  cursor,
  state: orderStatus.optional(),
  customerId: customerId.optional(),
});
export type ListOrders = z.output<typeof listOrders>;
export const listEntries = z.strictObject({ limit, cursor });
export type ListEntries = z.output<typeof listEntries>;
/** What belongs to one order: its payments, its deliveries. */
export const ofOrder = z.strictObject({ orderId: fields.orderId });
export type OfOrder = z.output<typeof ofOrder>;

/** Without an end an override would be forgotten. */
export const overrideBreaker = z.strictObject({
  state: gateSchema,
  expiresInMs: z.int().min(1).max(MAX_OVERRIDE_MS),
  /** Shown to everybody who looks, beside who set it. */
  reason: fields.bounded(500).optional(),
});
export type OverrideBreaker = z.output<typeof overrideBreaker>;
const routeAmong = (routes: readonly string[]) => z.enum(routes).optional();
export const listParked = (routes: readonly string[]) =>
  z.strictObject({ route: routeAmong(routes), limit: limitUpTo(MAX_PARKED_LISTED, 100), cursor });
export type ListParked = z.output<ReturnType<typeof listParked>>;
export const listTransitions = z.strictObject({ limit, cursor });
export type ListTransitions = z.output<typeof listTransitions>;

const query = z.string().min(1).max(1000).optional();
export const listLetters = (routes: readonly string[]) =>
  z.strictObject({
    limit,
    cursor,
    route: routeAmong(routes),
    type: query,
    cause: query,
    state: letterStateSchema.optional(),
    orderId: query,
  });
export type ListLetters = z.output<ReturnType<typeof listLetters>>;
export const listCauses = (routes: readonly string[]) =>
  z.strictObject({ route: routeAmong(routes), state: letterStateSchema.optional() });
export type ListCauses = z.output<ReturnType<typeof listCauses>>;
export const replayLetter = z.strictObject({});
export type ReplayLetter = z.output<typeof replayLetter>;
/** Everything at once is nobody's intention. */
export const replayLetters = (routes: readonly string[]) =>
  z
    .strictObject({ ...selectionSchema.shape, route: routeAmong(routes), ratePerS: rateSchema.optional() })
    .refine(({ ids, route, type, cause }) => (ids ?? route ?? type ?? cause) !== undefined, {
      message: 'say which: ids, route, type or cause',
    });
export type ReplayLetters = z.output<ReturnType<typeof replayLetters>>;
export const discardLetter = z.strictObject({ reason: fields.bounded(1000) });
export type DiscardLetter = z.output<typeof discardLetter>;

/** `{}` clears all faults of the service. */
export { faultsSchema as faults, currency, money };
export type { Faults };
