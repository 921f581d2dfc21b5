import type { Definition, Learned, Order, Step } from './definition.ts';
import { recordOf, withRecord, doIdOf, outstandingId, type Answer, type OpenState, type Running } from './state.ts';
import type { At, Advanced } from './pace.ts';
import { resendAt } from './pace.ts';
import { advanceClosing, advanceUndo, beginUndo } from './undo.ts';
import { TOO_LATE } from '#shared/message.ts';

const TIMED_OUT = 'timed_out';

export type Input =
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** Time passed: the state's `dueAt` may have come. */
  | { readonly kind: 'wake' }
  | { readonly kind: 'cancel' };

/** A new saga, with its first step on the way. */
export function begin(definition: Definition, order: Order, at: At): Advanced {
  const { name, version, start, steps } = definition;
  const begun = {
    phase: 'running',
    definition: { name, version },
    order,
    learned: {},
    steps: [{ name: start.name, sentAt: at.now, answeredAt: at.now }],
    current: start.name,
    dueAt: at.now,
  } as const;
  return send(begun, steps[0]!, at);
}

/**
 * What follows from one input. Pure. Sends at most one command; an answer to anything but the outstanding command, a
 * wake before `dueAt` and a cancel past the point of no return change nothing.
 */
export function advance(definition: Definition, state: OpenState, input: Input, at: At): Advanced {
  if (input.kind === 'answer' && input.answer.to !== outstandingId(state)) return { state };
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
export function cancellable({ steps, cancellableBefore }: Definition, state: OpenState): boolean {
  const position = (name: string): number => steps.findIndex((step) => step.name === name);
  return state.phase === 'running' && position(state.current) < position(cancellableBefore);
}

function answered(definition: Definition, state: Running, { type, body }: Answer, at: At): Advanced {
  const step = stepOf(definition, state.current);
  switch (type) {
    case step.command.done?.name: {
      const done = {
        ...state,
        learned: { ...state.learned, ...step.learn(body) },
        steps: withRecord(state.steps, step.name, { answeredAt: at.now }),
      };
      const next = definition.steps[definition.steps.indexOf(step) + 1];
      return next === undefined ? { state: completed(done, at) } : send(done, next, at);
    }
    case step.command.refused?.name: {
      const steps = withRecord(state.steps, step.name, { answeredAt: at.now, end: 'refused' });
      return beginUndo(definition, { ...state, steps }, 'failed', { reason: reasonIn(body), step: step.name }, at);
    }
    case TOO_LATE:
      return step.forwardOnly ? { state } : timedOut(definition, state, at);
    default:
      return { state };
  }
}

function overdue(definition: Definition, state: Running, at: At): Advanced {
  const step = stepOf(definition, state.current);
  if (!step.forwardOnly || at.now >= sagaDeadline(state, at)) return timedOut(definition, state, at);
  const attempts = (recordOf(state.steps, step.name)?.attempts ?? 1) + 1;
  return {
    state: {
      ...state,
      steps: withRecord(state.steps, step.name, { attempts }),
      dueAt: Math.min(resendAt(at, attempts), sagaDeadline(state, at)),
    },
    send: outgoing(state, step, at),
  };
}

function timedOut(definition: Definition, state: Running, at: At): Advanced {
  const steps = withRecord(state.steps, state.current, { end: 'timed-out' });
  return beginUndo(definition, { ...state, steps }, 'failed', { reason: TIMED_OUT, step: state.current }, at);
}

function cancelled(definition: Definition, state: OpenState, at: At): Advanced {
  if (state.phase !== 'running' || !cancellable(definition, state)) return { state };
  return beginUndo(definition, state, 'cancelled', { reason: 'cancelled', step: state.current }, at);
}

/** The record of the step is in the state that is committed before the step leaves. */
function send(state: Running, step: Step, at: At): Advanced {
  return {
    state: {
      ...state,
      steps: [...state.steps, { name: step.name, sentAt: at.now }],
      current: step.name,
      dueAt: step.forwardOnly ? resendAt(at, 1) : at.now + at.timing.stepDeadlineMs,
    },
    send: outgoing(state, step, at),
  };
}

function outgoing({ order, learned }: Running, step: Step, { now, timing }: At): Advanced['send'] {
  return {
    command: step.command,
    id: doIdOf(order.orderId, step.name),
    // `learned` is complete as far as the steps before this one go, and a step reads no further.
    body: step.bodyOf(order, learned as Learned),
    ...(step.forwardOnly ? {} : { deadline: now + timing.stepDeadlineMs }),
  };
}

function completed({ definition, steps }: Running, at: At): Advanced['state'] {
  return { phase: 'ended', outcome: 'completed', definition, steps, endedAt: at.now };
}

function sagaDeadline({ steps }: Running, { timing }: At): number {
  return steps[0]!.sentAt + timing.sagaDeadlineMs;
}

function stepOf({ name, steps }: Definition, current: string): Step {
  const step = steps.find((one) => one.name === current);
  if (step === undefined) throw new Error(`${name} has no step ${current}`);
  return step;
}

function reasonIn(body: unknown): string {
  const { reason } = body as { readonly reason?: unknown };
  return typeof reason === 'string' ? reason : 'refused';
}
