import { z } from 'zod';
import { bounded, orderId } from '#services/fields.ts';
import type { VectorClock } from '#shared/vector-clock.ts';

/** The events of a checkout. A items, B user data, C format of the card, D fraud of the user, E fraud with the card, F suggestions. */
export const letters = ['A', 'B', 'C', 'D', 'E', 'F'] as const;
export type Letter = (typeof letters)[number];

/** Those who count in the clocks. */
export const participants = ['verification', 'fraud', 'suggestions'] as const;
export type Participant = (typeof participants)[number];

/** Whose event it is. */
export const ownerOf = {
  A: 'verification',
  B: 'verification',
  C: 'verification',
  D: 'fraud',
  E: 'fraud',
  F: 'suggestions',
} as const satisfies Record<Letter, Participant>;

/** What must have happened before each event. `chain` is one after the other; in `partial` A and B, and C and D, wait for nothing of each other. */
export const flows = {
  chain: { A: [], B: ['A'], D: ['B'], C: ['D'], E: ['C'], F: ['E'] },
  partial: { A: [], B: [], C: ['A'], D: ['B'], E: ['C', 'D'], F: ['E'] },
} as const satisfies Record<string, Readonly<Record<Letter, readonly Letter[]>>>;
export type Flow = keyof typeof flows;

export const letter = z.enum(letters);
export const participant = z.enum(participants);
export const flow = z.enum(['chain', 'partial']);
const count = z.int().min(0).optional();
/** Whoever is absent has counted nothing; it counts for nobody else. */
export const clock = z.object({ verification: count, fraud: count, suggestions: count }) as z.ZodObject &
  z.ZodType<VectorClock>;

const problem = {
  code: bounded(100).describe('Names the rule; never changes.'),
  title: bounded(300).describe('What is wrong, in a few words.'),
  detail: bounded(1000).describe('What would be right.'),
  pointer: bounded(200).optional().describe('A JSON pointer (RFC 6901) to the field of the request.'),
};
/** Why a checkout is rejected. */
export const rejection = z.object({
  event: letter.describe('The event that rejected it.'),
  ...problem,
  also: z.array(z.object(problem)).max(50).readonly().describe('What else spoke against it, in the same event.'),
});
export type Rejection = z.infer<typeof rejection>;

/** What every request for an event says of what happened before it: the clocks of the events that must have, and of all of them together. */
export const asked = {
  orderId,
  flow,
  clock,
  before: z
    .array(z.object({ event: letter, clock }))
    .max(letters.length)
    .readonly(),
};

/** What happened, as its service recorded it. `refused`: it came before what must happen first, or after the end. */
export const happening = z.object({
  event: letter,
  outcome: z.enum(['passed', 'rejected', 'refused']),
  clock,
  /** Epoch ms. */
  at: z.int(),
  reason: rejection.optional(),
});
export type Happening = z.infer<typeof happening>;

/** Every answer to such a request. */
export const happened = { orderId, event: letter, clock, at: z.int() };
export const notPassed = z.object({ ...happened, outcome: z.enum(['rejected', 'refused']), reason: rejection });

/** The end: the clock of everything that is known of the order's events; `known`: those that need not be told. */
export const finalClock = z.object({
  orderId,
  clock,
  known: z.array(letter).max(letters.length).readonly().optional(),
});
/**
 * `isCleared`: nothing of the order is kept any more. Otherwise more has happened here than the final clock knows of. `happenings`: what
 * came too early, and what is not known.
 */
export const clearing = z.object({
  orderId,
  isCleared: z.boolean(),
  clock,
  happenings: z.array(happening).max(100).readonly(),
});
