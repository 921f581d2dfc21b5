import { z } from 'zod';
import { letterStateSchema } from './contract.ts';
import { named, shape, time } from '#shared/web/shapes.ts';

const letter = {
  id: '5f1d0a2b3c4d5e6f708192a3b4c5d6e7',
  route: 'wallet',
  state: 'dead',
  type: 'wallet.hold',
  key: 'alice',
  messageId: '0193f7a0-5a5a-7000-8000-00004f2a91bc:hold-funds:do',
  orderId: '0193f7a0-5a5a-7000-8000-00004f2a91bc',
  step: 'hold-funds',
  undo: false,
  cause: 'the handler failed: the ledger of <id> does not add up',
  reason: 'the handler failed: the ledger of alice does not add up (after 10 tries)',
  attempts: 10,
  failures: 1,
  firstFailureAt: '2026-11-28T13:05:31.114Z',
  lastFailureAt: '2026-11-28T13:05:31.114Z',
  replays: 0,
};

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
  }).meta({ examples: [letter] }),
);
export type LetterView = Readonly<z.infer<typeof letterShape>>;

/** One with the message itself. */
export const letterDetailsShape = letterShape
  .extend({
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
  })
  .meta({
    examples: [
      {
        ...letter,
        failureList: [{ at: letter.lastFailureAt, reason: letter.reason, attempts: letter.attempts }],
        replaysTo: 'wallet.in',
        message: {
          contentType: 'application/json',
          type: letter.type,
          messageId: letter.messageId,
          headers: { key: 'alice' },
          bytes: 96,
          body: { customerId: 'alice', amount: { amount: 2598, currency: 'EUR' } },
        },
      },
    ],
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
}).meta({
  examples: [
    {
      cause: letter.cause,
      route: 'wallet',
      types: ['wallet.hold'],
      count: 3,
      states: { dead: 2, replayed: 1 },
      obsolete: 1,
      firstFailureAt: letter.firstFailureAt,
      lastFailureAt: '2026-11-28T13:09:02.871Z',
    },
  ],
});
export type CauseView = Readonly<z.infer<typeof causeShape>>;
