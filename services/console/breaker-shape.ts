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
  from: gateSchema,
  to: gateSchema,
  at: time,
  cycle: z.int(),
  expired: z.int(),
  cause: z.string(),
});

/** What a breaker broadcasts, with times as RFC 3339. */
export const breakerShape = named(
  'Breaker',
  shape({
    ...breakerSchema.shape,
    since: time,
    cycleEndsAt: time.optional(),
    override: shape({ ...overrideSchema.shape, until: time }).optional(),
    transitions: z.array(transitionShape).readonly(),
    /** When this door last heard of it, and whether that is too long ago to refuse anything by it. */
    reportedAt: time.optional(),
    stale: z.boolean().optional(),
  }),
);
export type BreakerView = z.infer<typeof breakerShape>;

export const parkedShape = named(
  'ParkedMessage',
  shape({ ...parkedItemSchema.shape, firstExpiredAt: time, lastExpiredAt: time }),
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
