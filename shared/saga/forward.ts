import { askedSteps, type Definition } from './definition.ts';
import { nextNumberOf } from './earlier.ts';
import { doIdOf, isOutstanding, recordOf } from './state.ts';
import type { EndedSaga, RunningSaga, StepRecord } from './state.ts';
import type { CommandStep } from './step.ts';
import { resendAt, type Moment, type Outgoing, type Transition } from './transition.ts';

/** Sends every step that waits for nothing any more. Their records are in the state that is committed before they leave. */
export function goOn<Data, Learned extends object>(
  definition: Definition<Data, Learned>,
  state: RunningSaga<Data, Learned>,
  at: Moment,
): Transition<Data, Learned> {
  const isDone = (name: string): boolean => {
    const record = recordOf(state.steps, name);
    return record?.answeredAt !== undefined && record.end === undefined;
  };
  const ready = askedSteps(definition).filter(
    ({ name, after }) => recordOf(state.steps, name) === undefined && after.every(isDone),
  );
  const steps = [...state.steps, ...ready.map((step) => sentNow(step, state, at))];
  if (!steps.some(isPending)) return { state: completed({ ...state, steps }, at) };
  const next = waiting({ ...state, steps });
  return { state: next, send: ready.map((step) => outgoing(definition, next, step, at)) };
}

function sentNow({ name, forwardOnly }: CommandStep, state: RunningSaga, at: Moment): StepRecord {
  const number = nextNumberOf(state, name);
  return {
    name,
    sentAt: at.now,
    dueAt: forwardOnly ? resendAt(at, 1) : at.now + at.timing.stepDeadlineMs,
    ...(number !== undefined && { number }),
  };
}

/** Outstanding, or waiting for its next try. */
export function isPending(record: StepRecord): boolean {
  return isOutstanding(record) || record.retry !== undefined;
}

/** What the saga waits for, and until when: of the pending steps the one that is due first. */
export function waiting<Data, Learned extends object>(state: RunningSaga<Data, Learned>): RunningSaga<Data, Learned> {
  const [first] = state.steps.filter(isPending).toSorted((a, b) => dueAtOf(state, a) - dueAtOf(state, b));
  return { ...state, current: first!.name, dueAt: dueAtOf(state, first!) };
}

export function dueAtOf(state: RunningSaga, record: StepRecord): number {
  return record.retry?.at ?? record.dueAt ?? state.dueAt;
}

/** The command of a step whose record is in the state. */
export function outgoing<Data, Learned extends object>(
  { steps }: Definition<Data, Learned>,
  state: RunningSaga<Data, Learned>,
  step: CommandStep<Data, Learned>,
  { key, now, timing }: Moment,
): Outgoing {
  const record = recordOf(state.steps, step.name)!;
  const listener = steps.find((one) => one.kind === 'heard' && one.hears === step.name);
  return {
    command: step.command,
    id: doIdOf(key, record),
    // `learned` is complete as far as the steps go that this one waits for, and a step reads no further.
    body: step.bodyOf(state.data, state.learned as Learned, record.number ?? 1),
    ...(step.forwardOnly ? {} : { deadline: now + timing.stepDeadlineMs }),
    ...(listener?.kind === 'heard' ? { heardBy: listener.owner } : {}),
  };
}

function completed({ definition, steps, earlier, maxAttempts }: RunningSaga, at: Moment): EndedSaga {
  return {
    phase: 'ended',
    outcome: 'completed',
    definition,
    steps,
    ...(earlier && { earlier }),
    ...(maxAttempts !== undefined && { maxAttempts }),
    endedAt: at.now,
  };
}
