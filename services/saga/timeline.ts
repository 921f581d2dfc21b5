import { askedSteps, type CommandStep, type Definition, type Milestone } from './definition.ts';
import { compensationsOf, doState, iso, messagesOf, milestonesOf, sentOf, undoState, undoView } from './history.ts';
import { isOutstanding, outstandingIds, recordOf } from './state.ts';
import type { Ended, OpenState, SagaState } from './state.ts';
import type { Timeline, TimelineStep, WaitingFor } from './timeline-shape.ts';
import { undoOf } from './undo.ts';
import { place } from '#services/order/contract.ts';

/** A send that the broker did not take yet. */
export interface Unsent {
  readonly id: string;
  readonly reason: string;
  readonly attempts: number;
  readonly nextTryAt: number;
}

type Known = OpenState | Ended;

/** The timeline of a saga that has begun. `definition` is the one that it started under, `undefined` if this process has it not. */
export function timelineOf(
  orderId: string,
  state: Exclude<SagaState, { phase: 'unknown' }>,
  definition: Definition | undefined,
  unsent: readonly Unsent[] = [],
): Timeline {
  const known = state.phase === 'parked' ? state.was : state;
  const waitingFor = waiting(state, definition, unsent);
  return {
    orderId,
    state: stateOf(state),
    definition: `${known.definition.name}@${known.definition.version}`,
    ...('failure' in known && known.failure !== undefined ? { failure: known.failure } : {}),
    ...(waitingFor === undefined ? {} : { waitingFor }),
    steps: definition === undefined ? bareSteps(known) : stepsOf(definition, orderId, known),
    compensations: definition === undefined ? [] : compensationsOf(definition, orderId, known.steps),
    milestones: definition === undefined ? [] : milestonesOf(definition, known.steps),
    messages: definition === undefined ? [] : messagesOf(definition, orderId, known.steps),
  };
}

/** The timeline of an order that was accepted, but whose saga has not begun. */
export function timelineBefore(definition: Definition, orderId: string, acceptedAt: number): Timeline {
  return {
    orderId,
    state: 'running',
    definition: `${definition.name}@${definition.version}`,
    waitingFor: { step: definition.start.name, message: place.name, since: iso(acceptedAt), attempt: 1 },
    steps: [definition.start, ...definition.steps].map((step) => ({
      ...described(step),
      state: 'pending',
      attempts: 0,
    })),
    compensations: [],
    milestones: [],
    messages: [],
  };
}

function stateOf(state: Exclude<SagaState, { phase: 'unknown' }>): Timeline['state'] {
  switch (state.phase) {
    case 'ended':
      return state.outcome;
    case 'closing':
      return 'undoing';
    case 'running':
    case 'undoing':
    case 'parked':
      return state.phase;
  }
}

function waiting(
  state: SagaState,
  definition: Definition | undefined,
  unsent: readonly Unsent[],
): WaitingFor | undefined {
  if (state.phase === 'ended' || state.phase === 'unknown') return undefined;
  const open = state.phase === 'parked' ? state.was : state;
  const record = recordOf(open.steps, open.current);
  const sent = open.phase === 'undoing' ? record?.undo : record;
  const attempt = sent?.attempts ?? 1;
  const stuck = unsent.find(({ id }) => outstandingIds(open).includes(id));
  const beside = open.phase === 'running' ? open.steps.filter(isOutstanding).map(({ name }) => name) : [];
  const since = iso(sent?.sentAt ?? state.dueAt);
  const base = {
    step: open.current,
    message: definition === undefined ? open.current : messageOf(definition, open),
    since,
    ...(beside.length > 1 ? { beside: beside.filter((name) => name !== open.current) } : {}),
  };
  if (state.phase === 'parked') return { ...base, attempt, nextTryAt: iso(state.dueAt), reason: state.reason };
  const silence = attempt > 1 ? { reason: `no answer to ${attempt - 1} of ${attempt} tries` } : {};
  const next = isResent(definition, open) ? { nextTryAt: iso(open.dueAt) } : { until: iso(open.dueAt) };
  if (stuck === undefined) return { ...base, attempt, ...next, ...silence };
  return { ...base, attempt: attempt + stuck.attempts, ...next, nextTryAt: iso(stuck.nextTryAt), reason: stuck.reason };
}

function isResent(definition: Definition | undefined, { phase, current }: OpenState): boolean {
  return phase !== 'running' || stepNamed(definition, current)?.forwardOnly === true;
}

function messageOf(definition: Definition, { phase, current }: OpenState): string {
  if (phase === 'undoing') return undoOf(definition, current)?.command.name ?? current;
  if (phase === 'closing') return definition.closing.command.name;
  return stepNamed(definition, current)?.command.name ?? current;
}

function stepNamed(definition: Definition | undefined, name: string): CommandStep | undefined {
  return definition && askedSteps(definition).find((step) => step.name === name);
}

function stepsOf(definition: Definition, orderId: string, { steps }: Known): TimelineStep[] {
  const { start, closing } = definition;
  const told = recordOf(steps, closing.name);
  return [
    ...asTheyHappened([start, ...definition.steps], steps).map((step): TimelineStep => {
      const record = recordOf(steps, step.name);
      if (record === undefined) return { ...described(step), state: 'pending', attempts: 0 };
      const by = step.undo.kind === 'covered' ? step.undo.by : step.name;
      const undo = recordOf(steps, by)?.undo;
      return {
        ...described(step),
        ...sentOf(record),
        state: record.end !== 'refused' && undo !== undefined ? undoState(undo) : doState(record),
        ...(step.undo.kind === 'covered' ? { undoneWith: by } : {}),
        ...(step.undo.kind === 'own' && undo !== undefined
          ? { undo: undoView(definition, orderId, step.name, undo) }
          : {}),
      };
    }),
    ...(told === undefined
      ? []
      : [{ name: closing.name, title: closing.title, ...sentOf(told), state: doState(told) }]),
  ];
}

/** Steps that ran side by side stand in the order in which they were done, so that the last one is undone first. */
function asTheyHappened<One extends { readonly name: string }>(all: readonly One[], records: Known['steps']): One[] {
  const place = ({ name }: One): number => records.findIndex((record) => record.name === name);
  const sent = all.filter((step) => place(step) >= 0).toSorted((a, b) => place(a) - place(b));
  return [...sent, ...all.filter((step) => place(step) < 0)];
}

function bareSteps({ steps }: Known): TimelineStep[] {
  return steps.map((record) => ({ name: record.name, title: record.name, ...sentOf(record), state: doState(record) }));
}

function described(step: {
  readonly name: string;
  readonly number?: number;
  readonly title: string;
  readonly sent?: Milestone;
}) {
  const number = step.sent?.number ?? step.number;
  return { name: step.name, ...(number === undefined ? {} : { number }), title: step.title };
}
