import { askedSteps, undoOf, type Definition } from './definition.ts';
import { doIdOf, undoIdOf, type StepRecord, type UndoRecord } from './state.ts';
import { iso } from './timeline-records.ts';
import type { TimelineMessage } from './timeline-shape.ts';

/** What was sent and what came back: the way forward in the order of its times, then the undos, then the final notice. */
export function messagesOf(
  definition: Definition,
  key: string,
  steps: readonly StepRecord[],
  earlier: readonly (readonly StepRecord[])[] = [],
): TimelineMessage[] {
  const { start, finalNotice } = definition;
  const commands = new Map(
    [...askedSteps(definition), ...(finalNotice ? [finalNotice] : [])].map(({ name, command }) => [name, command]),
  );
  const placed = start.command.done.name;
  const first = {
    id: `${start.effectId(key)}>${placed}`,
    type: placed,
    direction: 'received',
    at: iso(steps[0]!.sentAt),
  } as const;
  const done = (record: StepRecord): TimelineMessage[] => {
    const command = commands.get(record.name);
    if (command === undefined) return [];
    const answer = record.end === 'refused' ? command.refused : command.done;
    return exchanged(doIdOf(key, record), command.name, answer?.name, record);
  };
  const undone = (record: StepRecord): TimelineMessage[] => {
    const command = undoOf(definition, record.name)?.command;
    return record.undo === undefined || command === undefined
      ? []
      : exchanged(undoIdOf(key, record), command.name, command.done?.name, record.undo);
  };
  const isNotice = ({ name }: StepRecord): boolean => name === finalNotice?.name;
  const tried = earlier.flat();
  const now = steps.filter((record) => !isNotice(record));
  const forward = [
    ...tried.filter(({ name }) => !now.some((record) => record.name === name)),
    ...now.flatMap((record) => [...tried.filter(({ name }) => name === record.name), record]),
  ];
  return [
    first,
    ...inTime([...forward.flatMap(done), ...tried.toReversed().flatMap(undone)]),
    ...steps.toReversed().flatMap(undone),
    ...steps.filter(isNotice).flatMap(done),
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
