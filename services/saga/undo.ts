import type { Definition, Failure, Outcome, OwnUndo } from './definition.ts';
import { resendAt, type Advanced, type At, type Outgoing } from './pace.ts';
import {
  doIdOf,
  recordOf,
  undoIdOf,
  withRecord,
  type Answer,
  type Closing,
  type Running,
  type StepRecord,
  type UndoingSteps,
} from './state.ts';

/** Turns the saga round. A step that was refused had certainly no effect; every other one that was sent may have had. */
export function beginUndo(
  definition: Definition,
  state: Running,
  outcome: Outcome,
  failure: Failure,
  at: At,
): Advanced {
  const steps = state.steps.map(({ dueAt: _dueAt, ...record }) => record);
  return undoNewest(definition, { ...state, steps, phase: 'undoing', outcome, failure }, at);
}

/** The outstanding undo was answered, or (no answer) is due to be sent again: the same id, with backoff, without end. */
export function advanceUndo(definition: Definition, state: UndoingSteps, answer: Answer | undefined, at: At): Advanced {
  const { current, steps } = state;
  const undo = undoOf(definition, current);
  const record = recordOf(steps, current)?.undo;
  if (undo === undefined || record === undefined)
    throw new Error(`${definition.name}: ${current} has no undo to wait for`);
  if (answer === undefined) {
    const attempts = (record.attempts ?? 1) + 1;
    return {
      state: {
        ...state,
        steps: withRecord(steps, current, { undo: { ...record, attempts } }),
        dueAt: resendAt(at, attempts),
      },
      send: [outgoing(definition, state, current, undo, at)],
    };
  }
  if (answer.type !== undo.command.done?.name) return { state };
  if (undo.isFinal(answer.body)) return { state: completedAfterAll(state, at) };
  const undone = {
    ...state,
    learned: { ...state.learned, ...undo.learn(answer.body, state.learned) },
    steps: withRecord(steps, current, { undo: { ...record, answeredAt: at.now } }),
  };
  return undoNewest(definition, undone, at);
}

/** The closing mail was answered, or is due: it is sent again until it had as long as a whole saga. */
export function advanceClosing(definition: Definition, state: Closing, answer: Answer | undefined, at: At): Advanced {
  const { closing } = definition;
  const record = recordOf(state.steps, closing.name)!;
  if (answer !== undefined) {
    if (answer.type === closing.command.done?.name) return { state: ended(state, { answeredAt: at.now }, at) };
    if (answer.type === closing.command.refused?.name)
      return { state: ended(state, { answeredAt: at.now, end: 'refused' }, at) };
    return { state };
  }
  const deadline = record.sentAt + at.timing.sagaDeadlineMs;
  if (at.now >= deadline) return { state: ended(state, { end: 'timed-out' }, at) };
  const attempts = (record.attempts ?? 1) + 1;
  return {
    state: {
      ...state,
      steps: withRecord(state.steps, closing.name, { attempts }),
      dueAt: Math.min(resendAt(at, attempts), deadline),
    },
    send: [closingMail(definition, state)],
  };
}

/** How a step is taken back; `undefined`: by another step's undo. */
export function undoOf({ start, steps }: Definition, name: string): OwnUndo | undefined {
  if (name === start.name) return start.undo;
  const undo = steps.find((step) => step.name === name)?.undo;
  return undo?.kind === 'own' ? undo : undefined;
}

/** The id of the message whose effect the undo of a step takes back. */
export function effectIdOf({ start }: Definition, orderId: string, name: string): string {
  return name === start.name ? start.effectId(orderId) : doIdOf(orderId, name);
}

function undoNewest(definition: Definition, state: UndoingSteps, at: At): Advanced {
  const newest = state.steps.findLast((record) => isOwed(definition, record));
  if (newest === undefined) return close(definition, state, at);
  const undo = undoOf(definition, newest.name)!;
  return {
    state: {
      ...state,
      steps: withRecord(state.steps, newest.name, { undo: { sentAt: at.now } }),
      current: newest.name,
      dueAt: resendAt(at, 1),
    },
    send: [outgoing(definition, state, newest.name, undo, at)],
  };
}

/** The last step stands; it was the first to be undone, so the others are all done and untouched. */
function completedAfterAll({ definition, steps }: UndoingSteps, at: At): Advanced['state'] {
  const stands = steps.map(({ end: _end, undo: _undo, ...record }) => ({ answeredAt: at.now, ...record }));
  return { phase: 'ended', outcome: 'completed', definition, steps: stands, endedAt: at.now };
}

function isOwed(definition: Definition, { name, end, undo }: StepRecord): boolean {
  return undo === undefined && end !== 'refused' && undoOf(definition, name) !== undefined;
}

function outgoing(
  definition: Definition,
  state: UndoingSteps,
  name: string,
  undo: OwnUndo,
  { now, timing }: At,
): Outgoing {
  const { order, learned, outcome, failure } = state;
  const of = effectIdOf(definition, order.orderId, name);
  return {
    command: undo.command,
    id: undoIdOf(order.orderId, name),
    body: undo.bodyOf(order, { of, outcome, failure, learned }),
    // No do was sent later than now, so none can arrive in time after this.
    ...(undo.ownerLivesOn ? { rememberUntil: now + timing.stepDeadlineMs } : {}),
  };
}

function close(definition: Definition, state: UndoingSteps, at: At): Advanced {
  const { name } = definition.closing;
  const closing: Closing = {
    ...state,
    phase: 'closing',
    steps: [...state.steps, { name, sentAt: at.now }],
    current: name,
    dueAt: Math.min(resendAt(at, 1), at.now + at.timing.sagaDeadlineMs),
  };
  return { state: closing, send: [closingMail(definition, closing)] };
}

function closingMail({ closing }: Definition, { order, outcome, failure }: Closing): Outgoing {
  return {
    command: closing.command,
    id: doIdOf(order.orderId, closing.name),
    body: closing.bodyOf(order, { outcome, failure }),
  };
}

function ended(
  { definition, outcome, failure, steps, current }: Closing,
  change: Partial<StepRecord>,
  at: At,
): Advanced['state'] {
  return { phase: 'ended', outcome, failure, definition, steps: withRecord(steps, current, change), endedAt: at.now };
}
