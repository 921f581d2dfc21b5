import { z } from 'zod';
import { letterStateSchema } from './contract.ts';
import { named, shape, time } from '#shared/web/shapes.ts';

/** A dead letter as the list shows it. */
export const letterShape = named(
  'DeadLetter',
  shape({
    id: z.string().describe('The id of the dead letter.'),
    route: z.string().describe('Where it was to be handled.'),
    state: letterStateSchema.describe('What becomes of it.'),
    /** After this its owner does not act on it any more, and answers that it is too late. */
    deadline: time
      .optional()
      .describe('After this its owner does not act on it any more, and answers that it is too late.'),
    orderEndedAt: time
      .optional()
      .describe('Its order had ended by then: nothing that is sent for it changes anything.'),
    obsolete: z.literal(true).optional().describe('Whether sending it again could change nothing any more.'),
    type: z.string().optional().describe('The name of the message.'),
    key: z.string().optional().describe('What it is about.'),
    messageId: z.string().optional().describe('The id of the message.'),
    orderId: z.string().optional().describe('The order that it belongs to.'),
    step: z.string().optional().describe("Of a saga's command: which step it does or undoes."),
    undo: z.boolean().optional().describe('Whether it undoes the step.'),
    broken: z.string().optional().describe('Why it is no message of ours: it is kept, and can only be discarded.'),
    cause: z.string().describe('The reason of the newest failure, without ids and counts.'),
    reason: z.string().describe('The reason of the newest failure.'),
    attempts: z.int().describe('Tries before the newest failure.'),
    failures: z.int().describe('How often it died.'),
    firstFailureAt: time.describe('When it died first.'),
    lastFailureAt: time.describe('When it died last.'),
    replays: z.int().describe('How often it was sent again.'),
    replay: shape({
      requestId: z.string().describe('The id of the replay.'),
      by: z.string().describe('Who asked for it.'),
      requestedAt: time.describe('When.'),
      ratePerS: z.number().describe('Messages a second at most.'),
      publishedAt: time.optional().describe('When the broker confirmed it.'),
      problem: z.string().optional().describe('Why it could not be sent.'),
    })
      .optional()
      .describe('The replay that it is in.'),
    discarded: shape({
      requestId: z.string().describe('The id of the request.'),
      by: z.string().describe('Who said so.'),
      reason: z.string().describe('Why.'),
      at: time.describe('When.'),
    })
      .optional()
      .describe('Of one that nobody needs any more.'),
  }),
);
export type LetterView = Readonly<z.infer<typeof letterShape>>;

/** One with the message itself. */
export const letterDetailsShape = letterShape.extend({
  failureList: z
    .array(
      shape({
        at: time.describe('When.'),
        reason: z.string().describe('Why.'),
        attempts: z.int().describe('Tries before it.'),
      }),
    )
    .readonly()
    .describe('Every failure that is kept, newest first.'),
  replaysTo: z.string().optional().describe('The exchange that a replay goes to.'),
  message: z
    .looseObject({
      headers: z.looseObject({}).describe('Its headers.'),
      bytes: z.int().describe('How long its body is.'),
    })
    .describe('The message itself, secrets masked.'),
});
export type LetterDetails = Readonly<z.infer<typeof letterDetailsShape>>;

/** What letters of a route died of. */
export const causeShape = shape({
  cause: z.string().describe('A reason, without ids and counts.'),
  route: z.string().describe('Where the messages were to be handled.'),
  types: z.array(z.string()).readonly().describe('The names of the messages.'),
  count: z.int().describe('How many there are.'),
  states: z.partialRecord(letterStateSchema, z.int()).describe('How many are in which state.'),
  obsolete: z
    .int()
    .describe('How many of the dead ones need nobody: past their deadline, or of an order that has ended.'),
  firstFailureAt: time.describe('The oldest failure.'),
  lastFailureAt: time.describe('The newest failure.'),
});
export type CauseView = Readonly<z.infer<typeof causeShape>>;
