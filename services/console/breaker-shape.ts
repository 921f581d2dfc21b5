import { z } from 'zod';
import {
  type Breaker,
  breakerSchema,
  gateSchema,
  overrideSchema,
  type ParkedItem,
  parkedItemSchema,
} from '#services/circuit-breaker/contract.ts';
import { named, shape, time } from '#shared/web/shapes.ts';

export const transitionShape = shape({
  from: gateSchema.describe('What the gate was.'),
  to: gateSchema.describe('What it became.'),
  at: time.describe('When it was decided.'),
  cycle: z.int().describe('The number of the cycle that decided it.'),
  expired: z.int().describe('Messages that expired in that cycle.'),
  cause: z.string().describe('Why.'),
}).meta({
  examples: [
    {
      from: 'closed',
      to: 'half_open',
      at: '2026-11-28T13:05:02.310Z',
      cycle: 4,
      expired: 0,
      cause: 'a message expired',
    },
  ],
});

/** What a breaker broadcasts, with times as RFC 3339. */
export const breakerShape = named(
  'Breaker',
  shape({
    ...breakerSchema.shape,
    since: time.describe('Since when the gate is so.'),
    cycleEndsAt: time.optional().describe('When the next conclusion is due; none while the machine is closed.'),
    override: shape({ ...overrideSchema.shape, until: time.describe('When it ends.') })
      .optional()
      .describe("The operator's word."),
    transitions: z.array(transitionShape).readonly().describe('The last 50, newest first.'),
    reportedAt: time.optional().describe('When the gateway last heard of it.'),
    stale: z.boolean().optional().describe('Whether that is too long ago to refuse anything by it.'),
  }).meta({
    examples: [
      {
        route: 'payment',
        state: 'half_open',
        machine: 'half_open',
        cycle: 5,
        badCycles: 1,
        expired: 3,
        generation: 7,
        since: '2026-11-28T13:05:02.310Z',
        cycleEndsAt: '2026-11-28T13:05:17.310Z',
        policy: { ttlMs: 10_000, delayMs: 2000, cycleMs: 15_000, badCycles: 3 },
        transitions: [
          {
            from: 'closed',
            to: 'half_open',
            at: '2026-11-28T13:05:02.310Z',
            cycle: 4,
            expired: 0,
            cause: 'a message expired',
          },
        ],
        redriven: 0,
        expiredTotal: 4,
        parked: 4,
        delayed: 2,
        reportedAt: '2026-11-28T13:05:09.004Z',
        stale: false,
      },
    ],
  }),
);
export type BreakerView = z.infer<typeof breakerShape>;

/** What the data of a server-sent event is, by the event's name. */
export const streamEvents = {
  snapshot: shape({ items: z.array(breakerShape).readonly().describe('Every route.') }),
  breaker: transitionShape.extend({
    route: z.string().describe('The name of the route.'),
    state: gateSchema.describe('What the gate is now.'),
  }),
  end: shape({ reason: z.string().describe('Why the stream ends.') }),
};

export const parkedShape = named(
  'ParkedMessage',
  shape({
    ...parkedItemSchema.shape,
    firstExpiredAt: time.describe('When it expired first.'),
    lastExpiredAt: time.describe('When it expired last.'),
  }).meta({
    examples: [
      {
        route: 'payment',
        messageId: '0193f7a0-5a5a-7000-8000-00004f2a91bc:create-payment:do',
        type: 'payment.create',
        key: 'pay-0193f7a0-5a5a-7000-8000-00004f2a91bc',
        correlationId: '0193f7a0-5a5a-7000-8000-00004f2a91bc',
        firstExpiredAt: '2026-11-28T13:05:02.297Z',
        lastExpiredAt: '2026-11-28T13:05:02.297Z',
        expiries: 1,
        redriven: 0,
      },
    ],
  }),
);

export function breakerOf(breaker: Breaker): BreakerView {
  const { since, cycleEndsAt, override, transitions, ...rest } = breaker;
  return {
    ...rest,
    since: iso(since),
    ...(cycleEndsAt !== null && { cycleEndsAt: iso(cycleEndsAt) }),
    ...(override && { override: { ...override, until: iso(override.until) } }),
    transitions: transitions.map(transitionOf),
  };
}

export function transitionOf(transition: Breaker['transitions'][number]): z.infer<typeof transitionShape> {
  return { ...transition, at: iso(transition.at) };
}

export function parkedOf(item: ParkedItem): z.infer<typeof parkedShape> {
  return { ...item, firstExpiredAt: iso(item.firstExpiredAt), lastExpiredAt: iso(item.lastExpiredAt) };
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
