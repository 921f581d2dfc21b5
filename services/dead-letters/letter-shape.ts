import { z } from 'zod';
import { letterStateSchema } from './contract.ts';
import { named, shape, time } from '#shared/web/shapes.ts';

/** A dead letter as the list shows it. */
export const letterShape = named(
  'DeadLetter',
  shape({
    id: z.string(),
    /** Where it was to be handled. */
    route: z.string(),
    state: letterStateSchema,
    /** After this its owner does not act on it any more, and answers that it is too late. */
    deadline: time.optional(),
    /** Dead, and past its deadline: sending it again would change nothing, and nobody has to. */
    obsolete: z.literal(true).optional(),
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
    replay: shape({
      requestId: z.string(),
      by: z.string(),
      requestedAt: time,
      ratePerS: z.number(),
      publishedAt: time.optional(),
      problem: z.string().optional(),
    }).optional(),
    discarded: shape({ requestId: z.string(), by: z.string(), reason: z.string(), at: time }).optional(),
  }),
);
export type LetterView = Readonly<z.infer<typeof letterShape>>;

/** One with the message itself. */
export const letterDetailsShape = letterShape.extend({
  failureList: z.array(shape({ at: time, reason: z.string(), attempts: z.int() })).readonly(),
  /** The exchange: `<route>.in` through the gate, `<route>.hash` past it. */
  replaysTo: z.string().optional(),
  message: z.looseObject({ headers: z.looseObject({}), bytes: z.int() }),
});
export type LetterDetails = Readonly<z.infer<typeof letterDetailsShape>>;

/** What letters of a route died of. */
export const causeShape = shape({
  cause: z.string(),
  route: z.string(),
  types: z.array(z.string()).readonly(),
  count: z.int(),
  states: z.partialRecord(letterStateSchema, z.int()),
  /** So many of the dead ones are past their deadline and need nobody. */
  obsolete: z.int(),
  firstFailureAt: time,
  lastFailureAt: time,
});
export type CauseView = Readonly<z.infer<typeof causeShape>>;
