import { askedSteps, type Definition } from './definition.ts';
import { doIdOf, recordOf, undoIdOf, type StepRecord, type UndoRecord } from './state.ts';
import type { Timeline, TimelineMessage, TimelineUndo } from './timeline-shape.ts';
import { effectIdOf, undoOf } from './undo.ts';
import { placed } from '#services/order/contract.ts';

export function compensationsOf(
  definition: Definition,
  orderId: string,
  steps: readonly StepRecord[],
): Timeline['compensations'] {
  return steps
    .toReversed()
    .flatMap(({ name, undo }) =>
      undo === undefined ? [] : [{ step: name, ...undoView(definition, orderId, name, undo) }],
    );
}

export function milestonesOf({ start, steps }: Definition, records: readonly StepRecord[]): Timeline['milestones'] {
  return [start, ...steps].flatMap((step) => {
    const record = recordOf(records, step.name);
    if (record === undefined) return [];
    const { number, title } = step;
    const reached = number !== undefined && step.milestone !== false && doState(record) === 'done';
    const answered = reached ? [{ number, title, at: iso(record.answeredAt!) }] : [];
    return [...(step.sent === undefined ? [] : [{ ...step.sent, at: iso(record.sentAt) }]), ...answered];
  });
}

export function messagesOf(definition: Definition, orderId: string, steps: readonly StepRecord[]): TimelineMessage[] {
  const { start, closing } = definition;
  const commands = new Map([...askedSteps(definition), closing].map(({ name, command }) => [name, command]));
  const first = {
    id: `${start.effectId(orderId)}>${placed.name}`,
    type: placed.name,
    direction: 'received',
    at: iso(steps[0]!.sentAt),
  } as const;
  const done = (record: StepRecord): TimelineMessage[] => {
    const command = commands.get(record.name);
    if (command === undefined) return [];
    const answer = record.end === 'refused' ? command.refused : command.done;
    return exchanged(doIdOf(orderId, record.name), command.name, answer?.name, record);
  };
  const undone = ({ name, undo }: StepRecord): TimelineMessage[] => {
    const command = undoOf(definition, name)?.command;
    return undo === undefined || command === undefined
      ? []
      : exchanged(undoIdOf(orderId, name), command.name, command.done?.name, undo);
  };
  const isClosing = ({ name }: StepRecord): boolean => name === closing.name;
  return [
    first,
    ...inTime(steps.filter((record) => !isClosing(record)).flatMap(done)),
    ...steps.toReversed().flatMap(undone),
    ...steps.filter(isClosing).flatMap(done),
  ];
}

/** What runs side by side is told in the order of its times. */
function inTime(messages: readonly TimelineMessage[]): readonly TimelineMessage[] {
  return messages.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

function exchanged(
  id: string,
  type: string,
  answer: string | undefined,
  { sentAt, answeredAt }: UndoRecord,
): TimelineMessage[] {
  const sent = { id, type, direction: 'sent', at: iso(sentAt) } as const;
  if (answeredAt === undefined || answer === undefined) return [sent];
  return [sent, { id: `${id}>${answer}`, type: answer, direction: 'received', at: iso(answeredAt) }];
}

export function undoView(definition: Definition, orderId: string, step: string, undo: UndoRecord): TimelineUndo {
  return {
    message: undoOf(definition, step)?.command.name ?? step,
    of: effectIdOf(definition, orderId, step),
    state: undoState(undo),
    ...sentOf(undo),
  };
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
