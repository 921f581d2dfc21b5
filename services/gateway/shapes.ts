import { z } from 'zod';
import {
  breakerSchema,
  gateSchema,
  overrideSchema,
  parkedItemSchema,
  policySchema,
} from '#services/circuit-breaker/contract.ts';
import { letterStateSchema } from '#services/dead-letters/contract.ts';
import { currency, money, orderStatus } from './schemas.ts';
import { listOf, named, time } from '#shared/web/shapes.ts';
import { missingShape } from './silent-workers.ts';

/** What clients get. Fields may be added, none is renamed or removed; the views deliver these shapes. */

const balance = z.looseObject({ amount: z.int().min(0), currency });
const item = z.looseObject({ sku: z.string(), quantity: z.int(), unitPrice: money });
const paymentStatus = z.enum(['created', 'authorized', 'settled', 'voided', 'refunded']);
export const order = z.looseObject({
  id: z.string(),
  customerId: z.string(),
  email: z.string(),
  items: z.array(item),
  total: money,
  status: orderStatus,
  payment: z.looseObject({ id: z.string(), status: paymentStatus, capturedAt: time.optional() }).optional(),
  paymentId: z.string().optional(),
  notification: z.looseObject({ dispatchedAt: time }).optional(),
  failure: z.looseObject({ reason: z.string(), step: z.string() }).optional(),
  createdAt: time,
  updatedAt: time,
});

const undo = z.looseObject({ state: z.string(), sentAt: time.optional(), answeredAt: time.optional() });
const step = z.looseObject({
  name: z.string(),
  number: z.union([z.int(), z.string()]).optional(),
  state: z.enum(['pending', 'sent', 'done', 'refused', 'timed-out', 'undoing', 'undone']),
  attempts: z.int(),
  sentAt: time.optional(),
  answeredAt: time.optional(),
  undo: undo.optional(),
});
const waitingFor = z.looseObject({
  step: z.string(),
  message: z.string(),
  beside: z.array(z.string()).optional(),
  since: time,
  attempt: z.int(),
  nextTryAt: time.optional(),
  reason: z.string().optional(),
});
/** A message of the order that nobody could handle and that nobody has dealt with yet. */
const openLetter = z.looseObject({
  id: z.string(),
  type: z.string().optional(),
  step: z.string().optional(),
  undo: z.boolean().optional(),
  state: letterStateSchema,
  lastFailureAt: time,
  /** For operators. */
  cause: z.string().optional(),
});
export const timeline = z.looseObject({
  orderId: z.string(),
  state: z.enum(['running', 'undoing', 'completed', 'failed', 'cancelled', 'parked']),
  definition: z.string(),
  waitingFor: waitingFor.optional(),
  steps: z.array(step),
  deadLetters: z.array(openLetter).optional(),
});

export const payment = z.looseObject({ id: z.string(), orderId: z.string(), amount: money, status: paymentStatus });
export const delivery = z.looseObject({
  id: z.string(),
  orderId: z.string(),
  items: z.array(z.looseObject({ sku: z.string(), quantity: z.int() })),
  status: z.enum(['dispatched', 'refused', 'cancelled']),
  dispatchedAt: time.optional(),
  reason: z.string().optional(),
});
export const email = z.looseObject({
  status: z.enum(['accepted', 'refused', 'sending', 'waiting']),
  kind: z.string(),
  to: z.string(),
  subject: z.string(),
  messageId: z.string(),
  acceptedAt: time.optional(),
  /** Of a mail that was refused for good, and why. */
  refusedAt: time.optional(),
  reason: z.string().optional(),
  /** Of a mail that is neither. */
  attempts: z.int().optional(),
  lastError: z.string().optional(),
  nextTryAt: time.optional(),
});

export const wallet = z.looseObject({ customerId: z.string(), available: balance, held: balance });
export const entry = z.looseObject({
  id: z.string(),
  kind: z.enum(['top-up', 'hold', 'release', 'capture', 'refund']),
  amount: z.int(),
  currency,
  orderId: z.string().optional(),
  at: time,
});
export const walletToppedUp = wallet.extend({ topUpId: z.string() });
export const topUpState = z.looseObject({
  id: z.string(),
  customerId: z.string(),
  amount: money.shape.amount,
  currency,
  state: z.enum(['pending', 'done', 'refused']),
  reason: z.string().optional(),
});

export const faultsApplied = z.looseObject({ service: z.string(), faults: z.looseObject({}) });

const transition = z.looseObject({
  from: gateSchema,
  to: gateSchema,
  at: time,
  cycle: z.int(),
  expired: z.int(),
  cause: z.string(),
});
export const breaker = z.looseObject({
  ...breakerSchema.shape,
  since: time,
  cycleEndsAt: time.optional(),
  policy: policySchema,
  override: z.looseObject({ ...overrideSchema.shape, until: time }).optional(),
  transitions: z.array(transition),
  /** When the gateway last heard of it, and whether that is too long ago to refuse anything by it. */
  reportedAt: time.optional(),
  stale: z.boolean().optional(),
});
export const parkedMessage = z.looseObject({ ...parkedItemSchema.shape, firstExpiredAt: time, lastExpiredAt: time });
export const worker = z.looseObject({
  worker: z.string(),
  service: z.string(),
  route: z.string(),
  since: time,
  /** It hands over what it has and will leave. */
  draining: z.boolean(),
  /** Names of partition queues. */
  partitions: z.looseObject({ owner: z.array(z.string()), standby: z.array(z.string()) }),
  handledPerS: z.number(),
  lastSeenAt: time,
});
export const partition = z.looseObject({
  route: z.string(),
  /** Name of its queue. */
  partition: z.string(),
  owner: z.string().nullable(),
  /** Follows when the owner goes; `null` when the owner is alone. */
  standby: z.string().nullable(),
  /** Who gets its messages, as the broker sees it; with `depth` `null` while no circuit breaker answers. */
  active: z.string().nullable(),
  depth: z.int().nullable(),
  /** Of the messages that a worker has in hand. */
  oldestMessageAgeMs: z.number().nullable(),
});
export const letter = z.looseObject({
  id: z.string(),
  /** Where it was to be handled. */
  route: z.string(),
  state: letterStateSchema,
  type: z.string().optional(),
  key: z.string().optional(),
  messageId: z.string().optional(),
  orderId: z.string().optional(),
  /** Of a saga's command: which step it does or undoes. */
  step: z.string().optional(),
  undo: z.boolean().optional(),
  /** Why it is no message of ours: it is kept, and can only be discarded. */
  broken: z.string().optional(),
  /** The reason of the newest failure, without ids and counts. */
  cause: z.string(),
  reason: z.string(),
  /** Tries before the newest failure. */
  attempts: z.int(),
  failures: z.int(),
  firstFailureAt: time,
  lastFailureAt: time,
  replays: z.int(),
  replay: z.looseObject({ requestId: z.string(), by: z.string(), requestedAt: time, ratePerS: z.number() }).optional(),
  discarded: z.looseObject({ by: z.string(), reason: z.string(), at: time }).optional(),
});
export const letterDetails = letter.extend({
  failureList: z.array(z.looseObject({ at: time, reason: z.string(), attempts: z.int() })),
  /** After this its owner does not act on it any more, and answers that it is too late. */
  deadline: time.optional(),
  /** The exchange: `<route>.in` through the gate, `<route>.hash` past it. */
  replaysTo: z.string().optional(),
  message: z.looseObject({ headers: z.looseObject({}), bytes: z.int() }),
});
const cause = z.looseObject({
  cause: z.string(),
  route: z.string(),
  types: z.array(z.string()),
  count: z.int(),
  states: z.partialRecord(letterStateSchema, z.int()),
  firstFailureAt: time,
  lastFailureAt: time,
});
export const replayRequested = z.looseObject({ requestId: z.string(), selected: z.int(), ratePerS: z.number() });
/** Server-sent events: `snapshot` (`{items}` of breakers) and `breaker` (a transition with its route). */
export const events = z.string();

export const orders = listOf(order);
export const breakers = listOf(breaker);
export const transitions = listOf(transition);
export const parked = listOf(parkedMessage);
export const workers = listOf(worker).extend({ missing: missingShape });
export const partitions = listOf(partition);
export const letters = listOf(letter);
export const causes = listOf(cause);
export const payments = listOf(payment);
export const deliveries = listOf(delivery);
export const emails = listOf(email);
export const entries = listOf(entry);

for (const [name, shape] of Object.entries({
  Order: order,
  Timeline: timeline,
  Payment: payment,
  Delivery: delivery,
  Email: email,
  Wallet: wallet,
  Entry: entry,
  Breaker: breaker,
  ParkedMessage: parkedMessage,
  Worker: worker,
  Partition: partition,
  DeadLetter: letter,
  Money: money,
}))
  named(name, shape);
