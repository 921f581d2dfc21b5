import { z } from 'zod';
import type { Caller } from '#shared/web/endpoint.ts';
import { lookup } from '#shared/web/lookup.ts';
import { shape, time } from '#shared/web/shapes.ts';
import { bounded, customerId } from '#services/fields.ts';

/** Routing keys on the exchange `control`: what a gateway asks, what any copy of the service answers. */
export const DEAD_LETTERS_REQUEST = 'dead-letters.request';
export const DEAD_LETTERS_REPLY = 'dead-letters.reply';

/**
 * `dead`: waits for a person. `replaying`: is to be published, or was and is not marked yet. `replayed`: the broker confirmed it.
 * `discarded`: nobody wants it any more. Whatever fails again is `dead` again.
 */
export const letterStateSchema = z.enum(['dead', 'replaying', 'replayed', 'discarded']);
export type LetterState = z.infer<typeof letterStateSchema>;

const MAX_IDS = 500;
export const DEFAULT_RATE_PER_S = 20;
export const MAX_RATE_PER_S = 200;
const text = z.string().min(1).max(1000);

/**
 * Strict also on the bus: a reader that skipped a condition which it does not know would choose more letters than were meant.
 * All that are given must hold; only letters that are `dead` are chosen, those named by id also when they were discarded.
 */
export const selectionSchema = z.strictObject({
  ids: z.array(z.string().min(1).max(100)).min(1).max(MAX_IDS).optional().describe('Only these.'),
  route: text.optional().describe('Only those of this route.'),
  type: text.optional().describe('Only messages of this name.'),
  cause: text.optional().describe('Only those with this cause.'),
});
export type Selection = z.infer<typeof selectionSchema>;

export const rateSchema = z.number().min(0.1).max(MAX_RATE_PER_S);

/** `id` is the asker's: it comes back in the answer, and the same request carried out twice has one effect. */
export const deadLettersRequestSchema = z.discriminatedUnion('kind', [
  z.object({
    id: bounded(100),
    kind: z.literal('replay'),
    by: customerId,
    select: selectionSchema,
    ratePerS: rateSchema.optional(),
  }),
  z.object({
    id: bounded(100),
    kind: z.literal('discard'),
    by: customerId,
    letter: bounded(100),
    reason: text,
  }),
  z.object({
    id: bounded(100),
    kind: z.literal('discard-many'),
    by: customerId,
    select: selectionSchema,
    reason: text,
  }),
]);
export type DeadLettersRequest = z.infer<typeof deadLettersRequestSchema>;

/** Sent when the letters are marked in the database: from then on they are sent, even when a process dies. */
export const deadLettersReplySchema = z.discriminatedUnion('ok', [
  z.object({ id: z.string(), ok: z.literal(true), selected: z.int() }),
  z.object({ id: z.string(), ok: z.literal(false), problem: z.string() }),
]);
export type DeadLettersReply = z.infer<typeof deadLettersReplySchema>;

/** A message of an order that nobody could handle and that nobody has dealt with yet. */
export const openLetterShape = shape({
  id: z.string().describe('The id of the dead letter.'),
  type: z.string().optional().describe('The name of the message.'),
  step: z.string().optional().describe('The step of the order that it does or undoes.'),
  undo: z.boolean().optional().describe('Whether it undoes the step.'),
  state: letterStateSchema.describe('What becomes of it.'),
  lastFailureAt: time.describe('When it failed last.'),
  cause: z.string().optional().describe('Why; for operators.'),
});
export type OpenLetter = z.infer<typeof openLetterShape>;

/** Those that are open of what has this correlation id, newest first. */
export const openLetters = lookup<readonly OpenLetter[], { readonly correlationId: string; readonly caller: Caller }>(
  'dead-letters.open',
);
