import { labelOf, type Definition } from './definition.ts';
import { forData, forRecords } from './fan-out.ts';
import { recordOf } from './state.ts';
import type { EndedSaga, OpenSaga, SagaState, StepRecord } from './state.ts';
import type { Milestone } from './step.ts';
import { messagesOf } from './timeline-messages.ts';
import { compensationsOf, doState, iso, milestonesOf, sentOf, triesOf } from './timeline-records.ts';
import { undoState, undoView } from './timeline-records.ts';
import type { SagaTimeline, TimelineStep } from './timeline-shape.ts';
import { waitingFor, type UnsentCommand } from './timeline-waiting.ts';

type KnownSaga = Exclude<SagaState, { phase: 'unknown' }>;

/** The timeline of a saga that has begun. `definition` is the one that it started under, `undefined` if this process has it not. */
export function timelineOf(
  key: string,
  state: KnownSaga,
  written: Definition | undefined,
  unsent: readonly UnsentCommand[] = [],
): SagaTimeline {
  const begun = state.phase === 'parked' ? state.was : state;
  const { steps, earlier = [], maxAttempts } = begun;
  const definition = written && definitionOf(written, begun);
  const waits = waitingFor(key, state, definition, unsent);
  const isTurnedBack = 'failure' in begun && begun.failure !== undefined && !isReleasing(begun);
  return {
    state: stateOf(state),
    definition: labelOf(begun.definition),
    ...(isTurnedBack ? { failure: begun.failure } : {}),
    ...(waits === undefined ? {} : { waitingFor: waits }),
    steps: definition === undefined ? bareSteps(steps) : stepsOf(definition, key, steps, maxAttempts),
    compensations:
      definition === undefined ? [] : [...earlier, steps].flatMap((tried) => compensationsOf(definition, key, tried)),
    milestones: definition === undefined ? [] : milestonesOf(definition, steps),
    messages: definition === undefined ? [] : messagesOf(definition, key, steps, earlier),
  };
}

/** With the parts that its steps have; an ended saga has no data any more. */
function definitionOf(written: Definition, begun: OpenSaga | EndedSaga): Definition {
  if (begun.phase === 'ended') return forRecords(written, [...begun.steps, ...(begun.earlier ?? []).flat()]);
  return forData(written, begun.data);
}

/** The timeline of a saga whose start was asked for at `acceptedAt` (epoch ms), but which has not begun. */
export function timelineBefore(definition: Definition, acceptedAt: number): SagaTimeline {
  const { start, steps } = definition;
  return {
    state: 'running',
    definition: labelOf(definition),
    waitingFor: { step: start.name, message: start.command.name, since: iso(acceptedAt), attempt: 1 },
    steps: [start, ...steps].map(pendingStep),
    compensations: [],
    milestones: [],
    messages: [],
  };
}

/** Between two tries of a refused step: it goes forward again, so nobody is told that it turned back. */
function isReleasing(state: OpenSaga | EndedSaga): boolean {
  return state.phase === 'undoing' && state.releasing !== undefined && state.releasing.cancelled !== true;
}

function stateOf(state: KnownSaga): SagaTimeline['state'] {
  switch (state.phase) {
    case 'ended':
      return state.outcome;
    case 'closing':
      return 'undoing';
    case 'undoing':
      return isReleasing(state) ? 'running' : 'undoing';
    case 'running':
    case 'parked':
      return state.phase;
  }
}

function stepsOf(
  definition: Definition,
  key: string,
  records: readonly StepRecord[],
  maxAttempts: number | undefined,
): TimelineStep[] {
  const { start, finalNotice } = definition;
  const notice = finalNotice && recordOf(records, finalNotice.name);
  return [
    ...asTheyHappened([start, ...definition.steps], records).map((step): TimelineStep => {
      const record = recordOf(records, step.name);
      if (record === undefined) return pendingStep(step);
      const by = step.undo?.kind === 'covered' ? step.undo.by : step.name;
      const undo = recordOf(records, by)?.undo;
      return {
        ...described(step),
        ...sentOf(record),
        ...('retries' in step ? triesOf(step, record, maxAttempts) : {}),
        ...(record.retry === undefined ? {} : { nextTryAt: iso(record.retry.at) }),
        state: record.end !== 'refused' && undo !== undefined ? undoState(undo) : doState(record),
        ...(step.undo?.kind === 'covered' ? { undoneWith: by } : {}),
        ...(step.undo?.kind === 'own' && undo !== undefined ? { undo: undoView(definition, key, record, undo) } : {}),
      };
    }),
    ...(notice === undefined || finalNotice === undefined
      ? []
      : [{ name: finalNotice.name, title: finalNotice.title, ...sentOf(notice), state: doState(notice) }]),
  ];
}

/** Steps that ran side by side stand in the order in which they were done, so that the last one is undone first. */
function asTheyHappened<One extends { readonly name: string }>(
  all: readonly One[],
  records: readonly StepRecord[],
): One[] {
  const place = ({ name }: One): number => records.findIndex((record) => record.name === name);
  const sent = all.filter((step) => place(step) >= 0).toSorted((a, b) => place(a) - place(b));
  return [...sent, ...all.filter((step) => place(step) < 0)];
}

function bareSteps(records: readonly StepRecord[]): TimelineStep[] {
  return records.map((record) => ({
    name: record.name,
    title: record.name,
    ...sentOf(record),
    state: doState(record),
  }));
}

interface DescribedStep {
  readonly name: string;
  readonly number?: number;
  readonly title: string;
  readonly sent?: Milestone;
}

function pendingStep(step: DescribedStep): TimelineStep {
  return { ...described(step), state: 'pending', attempts: 0 };
}

function described(step: DescribedStep) {
  const number = step.sent?.number ?? step.number;
  return { name: step.name, ...(number === undefined ? {} : { number }), title: step.title };
}
