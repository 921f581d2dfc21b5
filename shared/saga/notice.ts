import type { Definition } from './definition.ts';
import { doIdOf, recordOf, withRecord } from './state.ts';
import type { FinalNotice } from './step.ts';
import type { ClosingSaga, EndedSaga, SagaAnswer, StepRecord, UndoingSaga } from './state.ts';
import { resendAt, type Moment, type Outgoing, type Transition } from './transition.ts';

/** Everything is undone: the final notice is sent. */
export function beginNotice<Data, Learned extends object>(
  definition: Definition<Data, Learned>,
  { releasing: _releasing, ...state }: UndoingSaga<Data, Learned>,
  at: Moment,
): Transition<Data, Learned> {
  if (definition.finalNotice === undefined) return { state: ended(state, at) };
  const { name } = definition.finalNotice;
  const closing: ClosingSaga<Data, Learned> = {
    ...state,
    phase: 'closing',
    steps: [...state.steps, { name, sentAt: at.now }],
    current: name,
    dueAt: Math.min(resendAt(at, 1), at.now + at.timing.sagaDeadlineMs),
  };
  return { state: closing, send: [outgoing(definition.finalNotice, closing, at)] };
}

/** The final notice was answered, or is due: it is sent again until it had as long as a whole saga. */
export function advanceNotice<Data, Learned extends object>(
  definition: Definition<Data, Learned>,
  state: ClosingSaga<Data, Learned>,
  answer: SagaAnswer | undefined,
  at: Moment,
): Transition<Data, Learned> {
  const finalNotice = definition.finalNotice!;
  const record = recordOf(state.steps, finalNotice.name)!;
  if (answer !== undefined) {
    if (answer.type === finalNotice.command.done?.name) return { state: told(state, { answeredAt: at.now }, at) };
    if (answer.type === finalNotice.command.refused?.name)
      return { state: told(state, { answeredAt: at.now, end: 'refused' }, at) };
    return { state };
  }
  const deadline = record.sentAt + at.timing.sagaDeadlineMs;
  if (at.now >= deadline) return { state: told(state, { end: 'timed-out' }, at) };
  const attempts = (record.attempts ?? 1) + 1;
  return {
    state: {
      ...state,
      steps: withRecord(state.steps, finalNotice.name, { attempts }),
      dueAt: Math.min(resendAt(at, attempts), deadline),
    },
    send: [outgoing(finalNotice, state, at)],
  };
}

function outgoing<Data, Learned extends object>(
  finalNotice: FinalNotice<Data>,
  { data, outcome, failure }: ClosingSaga<Data, Learned>,
  { key }: Moment,
): Outgoing {
  return {
    command: finalNotice.command,
    id: doIdOf(key, finalNotice),
    body: finalNotice.bodyOf(data, { outcome, failure }),
  };
}

function told<Data, Learned extends object>(
  state: ClosingSaga<Data, Learned>,
  change: Partial<StepRecord>,
  at: Moment,
): EndedSaga {
  return ended({ ...state, steps: withRecord(state.steps, state.current, change) }, at);
}

function ended(
  { definition, outcome, failure, steps, earlier, maxAttempts }: Omit<ClosingSaga, 'phase'>,
  at: Moment,
): EndedSaga {
  return {
    phase: 'ended',
    outcome,
    failure,
    definition,
    steps,
    ...(earlier && { earlier }),
    ...(maxAttempts !== undefined && { maxAttempts }),
    endedAt: at.now,
  };
}
