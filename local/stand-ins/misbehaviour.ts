import { createHash } from 'node:crypto';
import { z } from 'zod';

const rate = z
  .strictObject({ numerator: z.int().min(0), denominator: z.int().min(1) })
  .refine(({ numerator, denominator }) => numerator <= denominator, 'must not be above 1');

/** How a stub of somebody else's service misbehaves. */
export const settingsSchema = z.strictObject({
  /** Added to every answer, ms. */
  latencyMs: z.int().min(0).max(60_000),
  /** Of the provider: up to so much more, drawn for each call, ms. */
  spreadMs: z.int().min(0).max(60_000),
  /** This share of the calls is answered 503, half of them after their effect. */
  failureRate: rate,
  /** Of the provider: this share of the tries to pay is declined. */
  declineRate: rate,
  /** The same seed gives the same calls of a payment, or of the warehouse, the same fate. */
  seed: z.int().min(0).max(0xffff_ffff),
});
export type Settings = z.infer<typeof settingsSchema>;

const never = { numerator: 0, denominator: 1 } as const;
export const calm: Settings = { latencyMs: 0, spreadMs: 0, failureRate: never, declineRate: never, seed: 1 };

/** Whether something happens that happens at this rate. */
export function drawn({ numerator, denominator }: Settings['failureRate'], random: () => number): boolean {
  return random() * denominator < numerator;
}

/** Whether the nth try to pay an order is declined, whatever else is asked before or beside it. */
export function isDeclined({ declineRate, seed }: Settings, orderId: string, nth: number): boolean {
  return drawn(declineRate, seededFor(seed, `decline ${orderId} ${nth}`));
}

/** Numbers in [0, 1) for one cause: the same seed and cause give the same ones, whatever was drawn for others before. */
export function seededFor(seed: number, cause: string): () => number {
  return seeded(createHash('sha256').update(`${seed} ${cause}`).digest().readUInt32BE());
}

/** Numbers in [0, 1) that follow from the seed (mulberry32, T. Ettinger, public domain). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
