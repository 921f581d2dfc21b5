import { z } from 'zod';
import { shape, time } from '#shared/web/shapes.ts';

const timelineUndo = shape({
  state: z.enum(['undoing', 'undone']).describe('`undoing` or `undone`.'),
  message: z.string().describe('The name of the command.'),
  of: z.string().describe('The id of the message whose effect it undoes.'),
  attempts: z.int().describe('How often it was sent.'),
  sentAt: time.describe('When the undo was sent first.'),
  answeredAt: time.optional().describe('When it was answered.'),
});

const timelineStep = shape({
  name: z.string().describe('Names the step for ever.'),
  number: z.int().optional().describe('Its number, if it is one of those that are numbered.'),
  title: z.string().describe('For people.'),
  state: z
    .enum(['pending', 'sent', 'done', 'refused', 'timed-out', 'undoing', 'undone'])
    .describe('What became of it.'),
  attempts: z.int().describe('How often it was sent.'),
  attempt: z.int().optional().describe('Of a step that is tried again when it is refused: which try it is.'),
  maxAttempts: z.int().optional().describe('How many tries there are.'),
  nextTryAt: time.optional().describe('When the next one begins.'),
  sentAt: time.optional().describe('When it was sent first.'),
  answeredAt: time.optional().describe('When it was answered.'),
  undo: timelineUndo.optional().describe('Of a step that is being undone or was.'),
  undoneWith: z.string().optional().describe('The step whose undo takes this one back as well.'),
});

const timelineMessage = shape({
  id: z.string().describe('The id of the message.'),
  type: z.string().describe('The name of the message.'),
  direction: z.enum(['sent', 'received']).describe('As the saga sees it.'),
  at: time.describe('When.'),
});

const waitingFor = shape({
  step: z.string().describe('The step that it is at.'),
  message: z.string().describe('The command that was sent.'),
  beside: z.array(z.string()).readonly().optional().describe('Steps that are awaited as well, side by side.'),
  since: time.describe('Since when.'),
  attempt: z.int().describe('How often it was sent.'),
  maxAttempts: z.int().optional().describe('Of a step that is tried again when it is refused: how many tries it has.'),
  nextTryAt: time.optional().describe('When it is sent again.'),
  until: time.optional().describe('When waiting ends and undoing begins.'),
  reason: z.string().optional().describe('Why it waits, as far as that is known.'),
});

/** What happened to what a saga moves, as an API shows it. */
export const sagaTimelineShape = shape({
  state: z
    .enum(['running', 'undoing', 'completed', 'failed', 'cancelled', 'parked'])
    .describe('What the saga is doing.'),
  definition: z.string().describe('The steps that it runs under: name and version.'),
  failure: shape({
    reason: z.string().describe('What went wrong.'),
    detail: z.string().optional().describe('What somebody outside said of it, at more length.'),
    step: z.string().describe('The step at which it turned back.'),
  })
    .optional()
    .describe('Why it turned back.'),
  waitingFor: waitingFor.optional().describe('While it waits for an answer.'),
  steps: z.array(timelineStep).readonly().describe('Every step, in order.'),
  compensations: z
    .array(timelineUndo.extend({ step: z.string().describe('Which step it undid.') }))
    .readonly()
    .describe('What was undone, in the order in which it was.'),
  milestones: z
    .array(
      shape({
        number: z.int().describe('The number of the step.'),
        title: z.string().describe('For people.'),
        at: time.describe('When it was reached.'),
      }),
    )
    .readonly()
    .describe('Which numbered steps were reached, in that order.'),
  messages: z.array(timelineMessage).readonly().describe('What the saga sent and received, in order.'),
});

export type SagaTimeline = Readonly<z.infer<typeof sagaTimelineShape>>;
export type WaitingFor = Readonly<z.infer<typeof waitingFor>>;
export type TimelineStep = Readonly<z.infer<typeof timelineStep>>;
export type TimelineUndo = Readonly<z.infer<typeof timelineUndo>>;
export type TimelineMessage = Readonly<z.infer<typeof timelineMessage>>;
