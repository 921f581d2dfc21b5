import { undoOf, type Definition } from './definition.ts';
import { recordOf, type StepRecord, type UndoRecord } from './state.ts';
import type { CommandStep } from './step.ts';
import type { SagaTimeline, TimelineUndo } from './timeline-shape.ts';
import { effectIdOf } from './undo.ts';

/** What was undone, newest effect first. */
export function compensationsOf(
  definition: Definition,
  key: string,
  records: readonly StepRecord[],
): SagaTimeline['compensations'] {
  return records
    .toReversed()
    .flatMap((record) =>
      record.undo === undefined ? [] : [{ step: record.name, ...undoView(definition, key, record, record.undo) }],
    );
}

export function milestonesOf({ start, steps }: Definition, records: readonly StepRecord[]): SagaTimeline['milestones'] {
  return [start, ...steps].flatMap((step) => {
    const record = recordOf(records, step.name);
    if (record === undefined) return [];
    const { number, title } = step;
    const reached = number !== undefined && step.milestone !== false && doState(record) === 'done';
    const answered = reached ? [{ number, title, at: iso(record.answeredAt!) }] : [];
    return [...(step.sent === undefined ? [] : [{ ...step.sent, at: iso(record.sentAt) }]), ...answered];
  });
}

export function undoView(definition: Definition, key: string, record: StepRecord, undo: UndoRecord): TimelineUndo {
  return {
    message: undoOf(definition, record.name)?.command.name ?? record.name,
    of: effectIdOf(definition, key, record),
    state: undoState(undo),
    ...sentOf(undo),
  };
}

/** Which try of a step it is, of how many. Nothing for a step that is not tried again when it is refused. */
export function triesOf(
  { retries }: Pick<CommandStep, 'retries'>,
  record: StepRecord | undefined,
  maxAttempts: number | undefined,
) {
  if (retries === undefined || maxAttempts === undefined) return {};
  return { attempt: record?.number ?? 1, maxAttempts };
}

export function sentOf({ sentAt, answeredAt, attempts }: UndoRecord) {
  return {
    attempts: attempts ?? 1,
    sentAt: iso(sentAt),
    ...(answeredAt === undefined ? {} : { answeredAt: iso(answeredAt) }),
  };
}

export function doState({ end, answeredAt }: StepRecord): 'refused' | 'timed-out' | 'done' | 'sent' {
  return end ?? (answeredAt === undefined ? 'sent' : 'done');
}

export function undoState({ answeredAt }: UndoRecord): 'undoing' | 'undone' {
  return answeredAt === undefined ? 'undoing' : 'undone';
}

export function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
