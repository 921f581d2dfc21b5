import type { Definition } from './definition.ts';
import { doIdOf, recordOf, withRecord } from './state.ts';
import type { ClosingSaga, SagaAnswer, StepRecord, UndoingSaga } from './state.ts';
import { resendAt, type Moment, type Outgoing, type Transition } from './transition.ts';

/** Everything is undone: the final notice is sent. */
export function beginNotice<Data, Learned extends object>(
  definition: Definition<Data, Learned>,
  { releasing: _releasing, ...state }: UndoingSaga<Data, Learned>,
  at: Moment,
): Transition<Data, Learned> {
  const { name } = definition.finalNotice;
  const closing: ClosingSaga<Data, Learned> = {
    ...state,
    phase: 'closing',
    steps: [...state.steps, { name, sentAt: at.now }],
    current: name,
    dueAt: Math.min(resendAt(at, 1), at.now + at.timing.sagaDeadlineMs),
  };
  return { state: closing, send: [outgoing(definition, closing, at)] };
}

/** The final notice was answered, or is due: it is sent again until it had as long as a whole saga. */
export function advanceNotice<Data, Learned extends object>(
  definition: Definition<Data, Learned>,
  state: ClosingSaga<Data, Learned>,
  answer: SagaAnswer | undefined,
  at: Moment,
): Transition<Data, Learned> {
  const { finalNotice } = definition;
  const record = recordOf(state.steps, finalNotice.name)!;
  if (answer !== undefined) {
    if (answer.type === finalNotice.command.done?.name) return { state: ended(state, { answeredAt: at.now }, at) };
    if (answer.type === finalNotice.command.refused?.name)
      return { state: ended(state, { answeredAt: at.now, end: 'refused' }, at) };
    return { state };
  }
  const deadline = record.sentAt + at.timing.sagaDeadlineMs;
  if (at.now >= deadline) return { state: ended(state, { end: 'timed-out' }, at) };
  const attempts = (record.attempts ?? 1) + 1;
  return {
    state: {
      ...state,
      steps: withRecord(state.steps, finalNotice.name, { attempts }),
      dueAt: Math.min(resendAt(at, attempts), deadline),
    },
    send: [outgoing(definition, state, at)],
  };
}

function outgoing<Data, Learned extends object>(
  { finalNotice }: Definition<Data, Learned>,
  { data, outcome, failure }: ClosingSaga<Data, Learned>,
  { key }: Moment,
): Outgoing {
  return {
    command: finalNotice.command,
    id: doIdOf(key, finalNotice),
    body: finalNotice.bodyOf(data, { outcome, failure }),
  };
}

function ended<Data, Learned extends object>(
  { definition, outcome, failure, steps, earlier, maxAttempts, current }: ClosingSaga<Data, Learned>,
  change: Partial<StepRecord>,
  at: Moment,
): Transition['state'] & { readonly phase: 'ended' } {
  return {
    phase: 'ended',
    outcome,
    failure,
    definition,
    steps: withRecord(steps, current, change),
    ...(earlier && { earlier }),
    ...(maxAttempts !== undefined && { maxAttempts }),
    endedAt: at.now,
  };
}
