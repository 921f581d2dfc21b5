import { askedSteps, maxAttemptsOf, type Definition } from './definition.ts';
import { withTry } from './earlier.ts';
import { forData, wholeOf } from './fan-out.ts';
import { dueAtOf, goOn, isPending, outgoing, waiting } from './forward.ts';
import { advanceNotice } from './notice.ts';
import { doIdOf, isOutstanding, outstandingIds, recordOf, refusalsIn, withRecord } from './state.ts';
import type { OpenSaga, RunningSaga, SagaAnswer, StepRecord } from './state.ts';
import type { CommandStep, SagaRefusal, UndoneEnd } from './step.ts';
import { resendAt, type Moment, type Transition } from './transition.ts';
import { advanceUndo, beginRelease, beginUndo, cancelledAt } from './undo.ts';
import { TOO_LATE } from '#shared/message.ts';

const TIMED_OUT = 'timed_out';

export type SagaInput =
  | { readonly kind: 'answer'; readonly answer: SagaAnswer }
  /** Time passed: the state's `dueAt` may have come. */
  | { readonly kind: 'wake' }
  | { readonly kind: 'cancel' };

/** A new saga, with its first steps on the way. */
export function begin<Data, Learned extends object>(
  definition: Definition<Data, Learned>,
  data: Data,
  at: Moment,
): Transition<Data, Learned> {
  const { name, version, start } = definition;
  const maxAttempts = maxAttemptsOf(definition);
  const begun: RunningSaga<Data, Learned> = {
    phase: 'running',
    definition: { name, version },
    data,
    learned: {},
    steps: [{ name: start.name, sentAt: at.now, answeredAt: at.now }],
    ...(maxAttempts > 1 && { maxAttempts }),
    current: start.name,
    dueAt: at.now,
  };
  return goOn(forData(definition, data), begun, at);
}

/**
 * What follows from one input: a pure function. An answer to anything but an outstanding command, a wake before `dueAt` and a
 * cancel past the point of no return change nothing.
 */
export function advance<Data, Learned extends object>(
  written: Definition<Data, Learned>,
  state: OpenSaga<Data, Learned>,
  input: SagaInput,
  at: Moment,
): Transition<Data, Learned> {
  const definition = forData(written, state.data);
  if (input.kind === 'answer' && !outstandingIds(at.key, state).includes(input.answer.to)) return { state };
  if (input.kind === 'wake' && at.now < state.dueAt) return { state };
  if (input.kind === 'cancel') return cancelled(definition, state, at);
  switch (state.phase) {
    case 'running':
      return input.kind === 'wake' ? overdue(definition, state, at) : answered(definition, state, input.answer, at);
    case 'undoing':
      return advanceUndo(definition, state, input.kind === 'wake' ? undefined : input.answer, at);
    case 'closing':
      return advanceNotice(definition, state, input.kind === 'wake' ? undefined : input.answer, at);
  }
}

/** Whether `cancel` would still turn the saga back. */
export function cancellable({ cancellableBefore }: Definition, state: OpenSaga): boolean {
  if (state.phase === 'undoing') return state.releasing !== undefined;
  const record = recordOf(state.steps, cancellableBefore);
  return state.phase === 'running' && (record === undefined || record.retry !== undefined);
}

function answered<Data, Learned extends object>(
  definition: Definition<Data, Learned>,
  state: RunningSaga<Data, Learned>,
  { to, type, body }: SagaAnswer,
  at: Moment,
): Transition<Data, Learned> {
  const record = state.steps.find((one) => isOutstanding(one) && doIdOf(at.key, one) === to);
  const step = askedSteps(definition).find(({ name }) => name === record?.name);
  switch (type) {
    case step?.command.done?.name: {
      const learned = { ...state.learned, ...step!.learn(body) };
      const steps = confirmed(done(definition, state.steps, step!.name, at), step!.confirms(body));
      return goOn(definition, { ...state, learned, steps }, at);
    }
    case step?.command.refused?.name:
      return refused(definition, state, step!, refusalIn(body), at);
    case TOO_LATE:
      return step === undefined || step.forwardOnly ? { state } : timedOut(definition, state, step, at);
    default:
      return { state };
  }
}

/** A refusal is certain: the step is tried again, if it may be, or the steps before it are undone. */
function refused<Data, Learned extends object>(
  definition: Definition<Data, Learned>,
  state: RunningSaga<Data, Learned>,
  { name, retries, forwardOnly }: CommandStep<Data, Learned>,
  refusal: SagaRefusal,
  at: Moment,
): Transition<Data, Learned> {
  const steps = withRecord(state.steps, name, { answeredAt: at.now, end: 'refused' });
  const retryAt = at.now + (retries?.delayMs ?? 0);
  const isLast =
    retries?.unless?.includes(refusal.reason) === true ||
    refusalsIn({ ...state, steps }) > (retries?.times ?? 0) ||
    (forwardOnly && retryAt >= sagaDeadline(state, at));
  if (isLast) return beginUndo(definition, { ...state, steps }, failedAt(wholeOf(name), refusal), at);
  if (retries?.between === 'release')
    return beginRelease(definition, { ...state, steps }, failedAt(name, refusal), retryAt, at);
  return { state: waiting({ ...state, steps: withRecord(steps, name, { retry: { ...refusal, at: retryAt } }) }) };
}

/** A step that was answered moves in front of those that are outstanding: undoing goes through the records from the end. */
function done({ steps }: Definition, records: readonly StepRecord[], name: string, { now }: Moment): StepRecord[] {
  const { dueAt: _dueAt, ...record } = recordOf(records, name)!;
  const others = records.filter((one) => one.name !== name);
  return [
    ...others.filter((one) => !isPending(one)),
    { ...record, answeredAt: now },
    ...steps
      .filter((step) => step.kind === 'heard' && step.hears === name)
      .map((step): StepRecord => ({ name: step.name, sentAt: now, heard: true })),
    ...others.filter(isPending),
  ];
}

/** A heard step was told of at the latest when its owner had done it. */
function confirmed(
  records: readonly StepRecord[],
  times: Readonly<Record<string, number | undefined>>,
): readonly StepRecord[] {
  return records.map((record) => {
    const answeredAt = record.heard ? times[record.name] : undefined;
    return answeredAt === undefined ? record : { ...record, sentAt: Math.min(record.sentAt, answeredAt), answeredAt };
  });
}

/** Gives up, tries again after a refusal, or sends again what is due. */
function overdue<Data, Learned extends object>(
  definition: Definition<Data, Learned>,
  state: RunningSaga<Data, Learned>,
  at: Moment,
): Transition<Data, Learned> {
  const due = state.steps.filter((record) => isPending(record) && dueAtOf(state, record) <= at.now);
  const late = askedSteps(definition).filter(({ name }) => recordOf(due.filter(isOutstanding), name) !== undefined);
  const deadline = sagaDeadline(state, at);
  const hopeless = late.find(({ forwardOnly }) => !forwardOnly || at.now >= deadline);
  if (hopeless !== undefined) return timedOut(definition, state, hopeless, at);
  const again = due.filter(({ retry }) => retry !== undefined);
  const steps = state.steps
    .filter((record) => !again.includes(record))
    .map((record) => {
      if (!due.includes(record)) return record;
      const attempts = (record.attempts ?? 1) + 1;
      return { ...record, attempts, dueAt: Math.min(resendAt(at, attempts), deadline) };
    });
  const resent = late.map((step) => outgoing(definition, { ...state, steps }, step, at));
  if (again.length === 0) return { state: waiting({ ...state, steps }), send: resent };
  const earlier = withTry(
    state,
    again.map(({ retry: _retry, ...record }) => record),
  );
  const next = goOn(definition, { ...state, steps, ...earlier }, at);
  return { state: next.state, send: [...resent, ...(next.send ?? [])] };
}

function timedOut<Data, Learned extends object>(
  definition: Definition<Data, Learned>,
  state: RunningSaga<Data, Learned>,
  { name }: CommandStep<Data, Learned>,
  at: Moment,
): Transition<Data, Learned> {
  const steps = withRecord(state.steps, name, { end: 'timed-out' });
  return beginUndo(definition, { ...state, steps }, failedAt(wholeOf(name), { reason: TIMED_OUT }), at);
}

function cancelled<Data, Learned extends object>(
  definition: Definition<Data, Learned>,
  state: OpenSaga<Data, Learned>,
  at: Moment,
): Transition<Data, Learned> {
  if (!cancellable(definition, state)) return { state };
  if (state.phase === 'running') return beginUndo(definition, state, cancelledAt(state.current), at);
  if (state.phase !== 'undoing' || state.releasing === undefined) return { state };
  return { state: { ...state, releasing: { ...state.releasing, cancelled: true } } };
}

function failedAt(step: string, refusal: SagaRefusal): UndoneEnd {
  return { outcome: 'failed', failure: { ...refusal, step } };
}

function sagaDeadline({ steps }: RunningSaga, { timing }: Moment): number {
  return steps[0]!.sentAt + timing.sagaDeadlineMs;
}

function refusalIn(body: unknown): SagaRefusal {
  const { reason, detail } = body as { readonly reason?: unknown; readonly detail?: unknown };
  return {
    reason: typeof reason === 'string' ? reason : 'refused',
    ...(typeof detail === 'string' && { detail }),
  };
}
