import { z } from 'zod';
import { shape, time } from '#shared/web/shapes.ts';

const timelineUndo = shape({
  state: z.enum(['undoing', 'undone']),
  message: z.string(),
  /** The id of the message whose effect it undoes. */
  of: z.string(),
  attempts: z.int(),
  sentAt: time,
  answeredAt: time.optional(),
});

const timelineStep = shape({
  name: z.string(),
  number: z.int().optional(),
  title: z.string(),
  state: z.enum(['pending', 'sent', 'done', 'refused', 'timed-out', 'undoing', 'undone']),
  /** How often its message was sent. */
  attempts: z.int(),
  /** Of a step that is tried again when it is refused: which try it is, of how many, and when the next one begins. */
  attempt: z.int().optional(),
  maxAttempts: z.int().optional(),
  nextTryAt: time.optional(),
  sentAt: time.optional(),
  answeredAt: time.optional(),
  undo: timelineUndo.optional(),
  /** The step whose undo takes this one back as well. */
  undoneWith: z.string().optional(),
});

const timelineMessage = shape({
  id: z.string(),
  type: z.string(),
  direction: z.enum(['sent', 'received']),
  at: time,
});

const waitingFor = shape({
  step: z.string(),
  message: z.string(),
  /** Steps that it waits for as well: they run side by side. */
  beside: z.array(z.string()).readonly().optional(),
  since: time,
  attempt: z.int(),
  /** Of a step that is tried again when it is refused: how many tries it has. */
  maxAttempts: z.int().optional(),
  nextTryAt: time.optional(),
  /** When waiting ends and undoing begins. */
  until: time.optional(),
  reason: z.string().optional(),
});

/** What happened to what a saga moves, as an API shows it. */
export const sagaTimelineShape = shape({
  state: z.enum(['running', 'undoing', 'completed', 'failed', 'cancelled', 'parked']),
  definition: z.string(),
  failure: shape({ reason: z.string(), step: z.string() }).optional(),
  waitingFor: waitingFor.optional(),
  steps: z.array(timelineStep).readonly(),
  /** What was undone, in the order in which it was. */
  compensations: z.array(timelineUndo.extend({ step: z.string() })).readonly(),
  /** Which numbered steps were reached, in that order. */
  milestones: z.array(shape({ number: z.int(), title: z.string(), at: time })).readonly(),
  messages: z.array(timelineMessage).readonly(),
});

export type SagaTimeline = Readonly<z.infer<typeof sagaTimelineShape>>;
export type WaitingFor = Readonly<z.infer<typeof waitingFor>>;
export type TimelineStep = Readonly<z.infer<typeof timelineStep>>;
export type TimelineUndo = Readonly<z.infer<typeof timelineUndo>>;
export type TimelineMessage = Readonly<z.infer<typeof timelineMessage>>;
