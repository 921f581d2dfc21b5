import { undoOf, type Definition } from './definition.ts';
import { withTry } from './earlier.ts';
import { wholeOf } from './fan-out.ts';
import { beginNotice } from './notice.ts';
import { doIdOf, recordOf, undoIdOf, withRecord } from './state.ts';
import type { EndedSaga, RunningSaga, SagaAnswer, StepRecord, UndoingSaga } from './state.ts';
import type { OwnUndo, UndoneEnd } from './step.ts';
import { resendAt, type Moment, type Outgoing, type Transition } from './transition.ts';

/** What cancelling gives as the reason, at the step that it came upon. */
export function cancelledAt(step: string): UndoneEnd {
  return { outcome: 'cancelled', failure: { reason: 'cancelled', step: wholeOf(step) } };
}

/** Turns the saga round. A step that was refused had certainly no effect; every other one that was sent may have had. */
export function beginUndo<Data, Learned extends object>(
  definition: Definition<Data, Learned>,
  state: RunningSaga<Data, Learned>,
  end: UndoneEnd,
  at: Moment,
): Transition<Data, Learned> {
  return undoNewest(definition, { ...state, ...end, steps: settled(state.steps), phase: 'undoing' }, at);
}

/** Undoes everything but the start until the next try of the refused step, which sends it all again. */
export function beginRelease<Data, Learned extends object>(
  definition: Definition<Data, Learned>,
  state: RunningSaga<Data, Learned>,
  end: UndoneEnd,
  retryAt: number,
  at: Moment,
): Transition<Data, Learned> {
  const steps = settled(state.steps);
  return undoNewest(definition, { ...state, ...end, steps, phase: 'undoing', releasing: { retryAt } }, at);
}

/** The outstanding undo was answered, or (no answer) is due to be sent again: the same id, with backoff, without end. */
export function advanceUndo<Data, Learned extends object>(
  definition: Definition<Data, Learned>,
  state: UndoingSaga<Data, Learned>,
  answer: SagaAnswer | undefined,
  at: Moment,
): Transition<Data, Learned> {
  const { current, steps } = state;
  const undo = undoOf(definition, current);
  const record = recordOf(steps, current);
  if (undo === undefined || record?.undo === undefined)
    throw new Error(`${definition.name}: ${current} has no undo to wait for`);
  if (answer === undefined) {
    const attempts = (record.undo.attempts ?? 1) + 1;
    return {
      state: {
        ...state,
        steps: withRecord(steps, current, { undo: { ...record.undo, attempts } }),
        dueAt: resendAt(at, attempts),
      },
      send: [outgoing(definition, state, record, undo, at)],
    };
  }
  if (answer.type !== undo.command.done?.name) return { state };
  if (undo.isFinal(answer.body)) return { state: completedAfterAll(state, at) };
  const undone = {
    ...turnedBackForGood(state),
    learned: { ...state.learned, ...undo.learn(answer.body, state.learned) },
    steps: withRecord(steps, current, { undo: { ...record.undo, answeredAt: at.now } }),
  };
  return undoNewest(definition, undone, at);
}

/** The id of the message whose effect the undo of a step takes back. */
export function effectIdOf({ start }: Definition, key: string, record: Pick<StepRecord, 'name' | 'number'>): string {
  return record.name === start.name ? start.effectId(key) : doIdOf(key, record);
}

function settled(steps: readonly StepRecord[]): readonly StepRecord[] {
  return steps.map(({ dueAt: _dueAt, retry: _retry, ...record }) => record);
}

/** A cancel that came while steps were released counts from the next undo on: the one that was outstanding keeps its body. */
function turnedBackForGood<Data, Learned extends object>(
  state: UndoingSaga<Data, Learned>,
): UndoingSaga<Data, Learned> {
  if (state.releasing?.cancelled !== true) return state;
  const { releasing: _releasing, ...rest } = state;
  return { ...rest, ...cancelledAt(state.failure.step) };
}

function undoNewest<Data, Learned extends object>(
  definition: Definition<Data, Learned>,
  state: UndoingSaga<Data, Learned>,
  at: Moment,
): Transition<Data, Learned> {
  const { releasing } = state;
  const newest = state.steps.findLast((record) => isOwed(definition, record));
  if (releasing !== undefined && (newest === undefined || newest.name === definition.start.name))
    return { state: released(state, releasing.retryAt, at) };
  if (newest === undefined) return beginNotice(definition, state, at);
  const undo = undoOf(definition, newest.name)!;
  return {
    state: {
      ...state,
      steps: withRecord(state.steps, newest.name, { undo: { sentAt: at.now } }),
      current: newest.name,
      dueAt: resendAt(at, 1),
    },
    send: [outgoing(definition, state, newest, undo, at)],
  };
}

/** Back at the start: nothing is outstanding until the next try begins, which sends everything again. */
function released<Data, Learned extends object>(
  state: UndoingSaga<Data, Learned>,
  retryAt: number,
  at: Moment,
): RunningSaga<Data, Learned> {
  const { outcome: _outcome, failure, releasing: _releasing, steps, ...rest } = state;
  const [start, ...others] = steps;
  const dueAt = Math.max(retryAt, at.now);
  const refused = recordOf(others, failure.step)!;
  return {
    ...rest,
    phase: 'running',
    learned: {},
    steps: [start!, { ...refused, retry: { reason: failure.reason, at: dueAt } }],
    ...withTry(
      state,
      others.filter((record) => record !== refused),
    ),
    current: failure.step,
    dueAt,
  };
}

/** The last step stands; it was the first to be undone, so the others are all done and untouched. */
function completedAfterAll({ definition, steps, earlier, maxAttempts }: UndoingSaga, at: Moment): EndedSaga {
  const stands = steps.map(({ end: _end, undo: _undo, ...record }) => ({ answeredAt: at.now, ...record }));
  return {
    phase: 'ended',
    outcome: 'completed',
    definition,
    steps: stands,
    ...(earlier && { earlier }),
    ...(maxAttempts !== undefined && { maxAttempts }),
    endedAt: at.now,
  };
}

function isOwed(definition: Definition, { name, end, undo }: StepRecord): boolean {
  return undo === undefined && end !== 'refused' && undoOf(definition, name) !== undefined;
}

function outgoing<Data, Learned extends object>(
  definition: Definition<Data, Learned>,
  { data, learned, outcome, failure }: UndoingSaga<Data, Learned>,
  record: StepRecord,
  undo: OwnUndo<Data, Learned>,
  { key, now, timing }: Moment,
): Outgoing {
  return {
    command: undo.command,
    id: undoIdOf(key, record),
    body: undo.bodyOf(data, {
      of: effectIdOf(definition, key, record),
      number: record.number ?? 1,
      outcome,
      failure,
      learned,
    }),
    // No do was sent later than now, so none can arrive in time after this.
    ...(undo.ownerLivesOn ? { rememberUntil: now + timing.stepDeadlineMs } : {}),
  };
}
