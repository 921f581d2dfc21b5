import { z } from 'zod';
import { bounded } from '#services/fields.ts';
import { ttlVariables } from '#shared/bus/topology/ttl.ts';
import { lookup } from '#shared/web/lookup.ts';
import { wholeNumber } from '#shared/variable-kinds.ts';

/** Routing keys on the exchange `control`: what any gateway asks, what the acting breaker answers. */
export const BREAKER_REQUEST = 'breaker.request';
export const BREAKER_REPLY = 'breaker.reply';
/** The acting breaker broadcasts its snapshot on every change and this often. */
export const SNAPSHOT_EVERY_MS = 1000;

/** The gate's times, ms. Provisioning reads the first ones, the breaker all. */
export const gateVariables = {
  ...ttlVariables,
  GATE_DELAY_MS: wholeNumber(0).default(2_000),
  GATE_CYCLE_MS: wholeNumber(100).default(15_000),
  /** Bad cycles in a row after which a half-open gate opens. */
  GATE_BAD_CYCLES: wholeNumber(1).default(3),
} satisfies z.ZodRawShape;
export type GateConfig = z.infer<z.ZodObject<typeof gateVariables>>;

/** How much later the route's gate delivers while it is half-open, ms. */
export function delayMsOf(config: Pick<GateConfig, 'GATE_DELAY_MS' | 'GATE_POLICIES'>, route: string): number {
  return config.GATE_POLICIES[route]?.delayMs ?? config.GATE_DELAY_MS;
}

/** Source designs: IsClose, Half-Open, IsOpen. */
export const gateSchema = z.enum(['closed', 'half_open', 'open']);

/** Times in ms; `badCycles`: cycles in a row with expiries after which half-open becomes open. */
const policySchema = z.object({
  ttlMs: z.int().describe('How long a message may wait in the queue of the route, ms.'),
  delayMs: z.int().describe('How long one that expired waits before it comes back, ms.'),
  cycleMs: z.int().describe('How long a cycle is, ms.'),
  badCycles: z.int().describe('Cycles in a row with expiries after which half-open becomes open.'),
});

export const transitionSchema = z.object({
  from: gateSchema.describe('What the gate was.'),
  to: gateSchema.describe('What it became.'),
  at: z.int().describe('Epoch ms at which it was decided; the gate moved some ms later.'),
  cycle: z.int().describe('The number of the cycle that decided it.'),
  expired: z.int().describe('Messages that expired in that cycle.'),
  cause: z.string().describe('Why.'),
});

/** Until when an operator's word counts (epoch ms), who gave it, and why. */
export const overrideSchema = z.object({
  state: gateSchema.describe('What the gate is to be.'),
  until: z.int().describe('Epoch ms at which it ends.'),
  by: bounded(200).exactOptional().describe('Who said it.'),
  reason: bounded(500).exactOptional().describe('Why.'),
});

/** One route. Times are epoch ms. */
export const breakerSchema = z.object({
  route: z.string().describe('The name of the route.'),
  state: gateSchema.describe("The gate: the operator's word, else the machine's."),
  machine: gateSchema.describe('What the evidence says.'),
  cycle: z.int().describe('The number of the cycle.'),
  badCycles: z.int().describe('Bad cycles in a row; 0 unless the machine is half-open.'),
  expired: z.int().describe('Messages that expired in this cycle.'),
  generation: z.int().describe('One more whenever the gate changes.'),
  since: z.int().describe('Epoch ms since when the gate is so.'),
  cycleEndsAt: z
    .int()
    .nullable()
    .describe('Epoch ms at which the next conclusion is due; `null`: the machine is closed and has no clock.'),
  policy: policySchema.describe('The times of the route.'),
  override: overrideSchema.optional().describe("The operator's word."),
  transitions: z.array(transitionSchema).describe('The last 50, newest first.'),
  redriven: z.int().describe('Messages put back since this breaker process started.'),
  expiredTotal: z.int().describe('Messages that expired since this breaker process started.'),
  parked: z.int().describe('Messages that are parked now, up to a second late.'),
  delayed: z.int().describe('Messages that wait in the delay now, up to a second late.'),
  problems: z
    .array(z.string())
    .default([])
    .describe('What is bound otherwise on the broker than it should be, and the breaker may not mend.'),
});
export type Breaker = z.infer<typeof breakerSchema>;

/** What the exchange `breaker.snapshot` carries, as JSON: all routes in one message. */
export const snapshotSchema = z.object({
  at: z.int(),
  /** The process that acts; another one after a hand-over. */
  leader: z.string(),
  breakers: z.array(breakerSchema),
});
export type Snapshot = z.infer<typeof snapshotSchema>;

/** The longest time for which a state can be forced. */
export const MAX_OVERRIDE_MS = 24 * 3_600_000;
export const MAX_PARKED_LISTED = 500;
const MAX_CURSOR = 1000;

/** `id` is the asker's, and comes back in the answer. */
export const breakerRequestSchema = z.discriminatedUnion('kind', [
  z.object({
    id: bounded(100),
    kind: z.literal('override'),
    route: bounded(100),
    state: gateSchema,
    expiresInMs: z.int().min(1).max(MAX_OVERRIDE_MS),
    ...overrideSchema.pick({ by: true, reason: true }).shape,
  }),
  z.object({ id: bounded(100), kind: z.literal('clear-override'), route: bounded(100) }),
  z.object({
    id: bounded(100),
    kind: z.literal('parked'),
    route: bounded(100).optional(),
    limit: z.int().min(1).max(MAX_PARKED_LISTED),
    /** The `nextCursor` of the page before. */
    cursor: z.string().max(MAX_CURSOR).optional(),
  }),
  z.object({ id: bounded(100), kind: z.literal('partitions'), route: bounded(100).optional() }),
]);
export type BreakerRequest = z.infer<typeof breakerRequestSchema>;

/** A message that expired and waits until its route is closed. */
export const parkedItemSchema = z.object({
  route: z.string().describe('Where it was to be handled.'),
  messageId: z.string().describe('Its id.'),
  type: z.string().describe('Its name.'),
  key: z.string().describe('What it is about: messages of one key are handled in order.'),
  correlationId: z.string().describe('The order that it belongs to.'),
  firstExpiredAt: z.int().describe('Epoch ms at which it expired first.'),
  lastExpiredAt: z.int().describe('Epoch ms at which it expired last.'),
  expiries: z.int().describe('How often it expired.'),
  redriven: z.int().describe('How often it was put back so far.'),
});
export type ParkedItem = z.infer<typeof parkedItemSchema>;

/** A partition queue as the broker's management API tells it, up to 5 s late. */
const partitionFactsSchema = z.object({
  route: z.string(),
  queue: z.string(),
  /** Messages in it, those with a consumer included; `null`: not known yet. */
  depth: z.int().nullable(),
  /** The worker that gets its messages; `null`: none is registered, or not known yet. */
  active: z.string().nullable(),
});
export type PartitionFacts = z.infer<typeof partitionFactsSchema>;

/** Sent after the change was stored and applied. Breakers that do not act stay silent: no answer means that none acts now. */
export const breakerReplySchema = z.discriminatedUnion('ok', [
  z.object({
    id: z.string(),
    ok: z.literal(true),
    /** After `override` and `clear-override`. */
    breaker: breakerSchema.optional(),
    /** After `parked`: by last expiry, oldest first, at most `limit`, from the part that the breaker has at hand. */
    parked: z.array(parkedItemSchema).optional(),
    /** After `partitions`: of that route, or of all, in the order of their names. */
    partitions: z.array(partitionFactsSchema).optional(),
    /** There are more behind these. */
    nextCursor: z.string().optional(),
  }),
  z.object({ id: z.string(), ok: z.literal(false), problem: z.string() }),
]);
export type BreakerReply = z.infer<typeof breakerReplySchema>;

/** A message that is waited for. */
export interface WaitingMessage {
  readonly correlationId: string;
  readonly type: string;
  /** RFC 3339. */
  readonly since: string;
}

/** Since when it is parked, and why nobody took it; `undefined`: it is not parked, as far as is known. */
export const whyParked = lookup<string | undefined, WaitingMessage>('circuit-breaker.why-parked');

/** What a route's gate does to those who publish, as far as is known. */
export interface Slowing {
  /** It delays now what is sent through it. */
  readonly isHalfOpen: boolean;
  /** How much later a half-open gate delivers, ms; 0: no breaker has told yet. */
  readonly delayMs: number;
}
export const slowing = lookup<Slowing>('circuit-breaker.slowing');
