import { askedSteps, type CommandStep, type Definition, type Learned, type Order } from './definition.ts';
import { doIdOf, isOutstanding, outstandingIds, recordOf, withRecord } from './state.ts';
import type { Answer, OpenState, Running, StepRecord } from './state.ts';
import type { At, Advanced, Outgoing } from './pace.ts';
import { resendAt } from './pace.ts';
import { advanceClosing, advanceUndo, beginUndo } from './undo.ts';
import { TOO_LATE } from '#shared/message.ts';

const TIMED_OUT = 'timed_out';

export type Input =
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** Time passed: the state's `dueAt` may have come. */
  | { readonly kind: 'wake' }
  | { readonly kind: 'cancel' };

/** A new saga, with its first steps on the way. */
export function begin(definition: Definition, order: Order, at: At): Advanced {
  const { name, version, start } = definition;
  const begun: Running = {
    phase: 'running',
    definition: { name, version },
    order,
    learned: {},
    steps: [{ name: start.name, sentAt: at.now, answeredAt: at.now }],
    current: start.name,
    dueAt: at.now,
  };
  return goOn(definition, begun, at);
}

/**
 * What follows from one input. Pure. An answer to anything but an outstanding command, a wake before `dueAt` and a
 * cancel past the point of no return change nothing.
 */
export function advance(definition: Definition, state: OpenState, input: Input, at: At): Advanced {
  if (input.kind === 'answer' && !outstandingIds(state).includes(input.answer.to)) return { state };
  if (input.kind === 'wake' && at.now < state.dueAt) return { state };
  if (input.kind === 'cancel') return cancelled(definition, state, at);
  switch (state.phase) {
    case 'running':
      return input.kind === 'wake' ? overdue(definition, state, at) : answered(definition, state, input.answer, at);
    case 'undoing':
      return advanceUndo(definition, state, input.kind === 'wake' ? undefined : input.answer, at);
    case 'closing':
      return advanceClosing(definition, state, input.kind === 'wake' ? undefined : input.answer, at);
  }
}

/** Whether `cancel` would still undo the order. */
export function cancellable({ cancellableBefore }: Definition, state: OpenState): boolean {
  return state.phase === 'running' && recordOf(state.steps, cancellableBefore) === undefined;
}

function answered(definition: Definition, state: Running, { to, type, body }: Answer, at: At): Advanced {
  const { orderId } = state.order;
  const step = askedSteps(definition).find(({ name }) => doIdOf(orderId, name) === to);
  switch (type) {
    case step?.command.done?.name: {
      const learned = { ...state.learned, ...step!.learn(body) };
      const steps = confirmed(done(definition, state.steps, step!.name, at), step!.confirms(body));
      return goOn(definition, { ...state, learned, steps }, at);
    }
    case step?.command.refused?.name: {
      const steps = withRecord(state.steps, step!.name, { answeredAt: at.now, end: 'refused' });
      return beginUndo(definition, { ...state, steps }, 'failed', { reason: reasonIn(body), step: step!.name }, at);
    }
    case TOO_LATE:
      return step === undefined || step.forwardOnly ? { state } : timedOut(definition, state, step, at);
    default:
      return { state };
  }
}

/** A step that was answered moves in front of those that are outstanding: undoing goes through the records from the end. */
function done({ steps }: Definition, records: readonly StepRecord[], name: string, { now }: At): StepRecord[] {
  const { dueAt: _dueAt, ...record } = recordOf(records, name)!;
  const others = records.filter((one) => one.name !== name);
  return [
    ...others.filter((one) => !isOutstanding(one)),
    { ...record, answeredAt: now },
    ...steps
      .filter((step) => step.kind === 'heard' && step.hears === name)
      .map((step): StepRecord => ({ name: step.name, sentAt: now, heard: true })),
    ...others.filter(isOutstanding),
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

/** Sends every step that waits for nothing any more. Their records are in the state that is committed before they leave. */
function goOn(definition: Definition, state: Running, at: At): Advanced {
  const isDone = (name: string): boolean => {
    const record = recordOf(state.steps, name);
    return record?.answeredAt !== undefined && record.end === undefined;
  };
  const ready = askedSteps(definition).filter(
    ({ name, after }) => recordOf(state.steps, name) === undefined && after.every(isDone),
  );
  const sent = ready.map(({ name, forwardOnly }): StepRecord => ({
    name,
    sentAt: at.now,
    dueAt: forwardOnly ? resendAt(at, 1) : at.now + at.timing.stepDeadlineMs,
  }));
  const steps = [...state.steps, ...sent];
  if (!steps.some(isOutstanding)) return { state: completed({ ...state, steps }, at) };
  return { state: waiting({ ...state, steps }), send: ready.map((step) => outgoing(definition, state, step, at)) };
}

/** What it waits for, and until when: of the outstanding steps the one that is due first. */
function waiting(state: Running): Running {
  const [first] = state.steps.filter(isOutstanding).toSorted((a, b) => dueAtOf(state, a) - dueAtOf(state, b));
  return { ...state, current: first!.name, dueAt: dueAtOf(state, first!) };
}

function dueAtOf(state: Running, record: StepRecord): number {
  return record.dueAt ?? state.dueAt;
}

function overdue(definition: Definition, state: Running, at: At): Advanced {
  const due = state.steps.filter((record) => isOutstanding(record) && dueAtOf(state, record) <= at.now);
  const late = askedSteps(definition).filter(({ name }) => recordOf(due, name) !== undefined);
  const deadline = sagaDeadline(state, at);
  const hopeless = late.find(({ forwardOnly }) => !forwardOnly || at.now >= deadline);
  if (hopeless !== undefined) return timedOut(definition, state, hopeless, at);
  const steps = state.steps.map((record) => {
    if (recordOf(due, record.name) === undefined) return record;
    const attempts = (record.attempts ?? 1) + 1;
    return { ...record, attempts, dueAt: Math.min(resendAt(at, attempts), deadline) };
  });
  return { state: waiting({ ...state, steps }), send: late.map((step) => outgoing(definition, state, step, at)) };
}

function timedOut(definition: Definition, state: Running, { name }: CommandStep, at: At): Advanced {
  const steps = withRecord(state.steps, name, { end: 'timed-out' });
  return beginUndo(definition, { ...state, steps }, 'failed', { reason: TIMED_OUT, step: name }, at);
}

function cancelled(definition: Definition, state: OpenState, at: At): Advanced {
  if (state.phase !== 'running' || !cancellable(definition, state)) return { state };
  return beginUndo(definition, state, 'cancelled', { reason: 'cancelled', step: state.current }, at);
}

function outgoing({ steps }: Definition, state: Running, step: CommandStep, { now, timing }: At): Outgoing {
  const listener = steps.find((one) => one.kind === 'heard' && one.hears === step.name);
  return {
    command: step.command,
    id: doIdOf(state.order.orderId, step.name),
    // `learned` is complete as far as the steps go that this one waits for, and a step reads no further.
    body: step.bodyOf(state.order, state.learned as Learned),
    ...(step.forwardOnly ? {} : { deadline: now + timing.stepDeadlineMs }),
    ...(listener?.kind === 'heard' ? { heardBy: listener.owner } : {}),
  };
}

function completed({ definition, steps }: Running, at: At): Advanced['state'] {
  return { phase: 'ended', outcome: 'completed', definition, steps, endedAt: at.now };
}

function sagaDeadline({ steps }: Running, { timing }: At): number {
  return steps[0]!.sentAt + timing.sagaDeadlineMs;
}

function reasonIn(body: unknown): string {
  const { reason } = body as { readonly reason?: unknown };
  return typeof reason === 'string' ? reason : 'refused';
}
