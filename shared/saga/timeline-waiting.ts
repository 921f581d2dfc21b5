import { askedSteps, undoOf, type Definition } from './definition.ts';
import { isOutstanding, outstandingIds, recordOf, type OpenSaga, type SagaState } from './state.ts';
import type { CommandStep } from './step.ts';
import { iso, triesOf } from './timeline-records.ts';
import type { WaitingFor } from './timeline-shape.ts';

/** A send that the broker did not take yet. */
export interface UnsentCommand {
  readonly id: string;
  readonly reason: string;
  readonly attempts: number;
  readonly nextTryAt: number;
}

/** What a saga waits for: which message, since when, which try, until when or when the next one begins, and why. */
export function waitingFor(
  key: string,
  state: SagaState,
  definition: Definition | undefined,
  unsent: readonly UnsentCommand[],
): WaitingFor | undefined {
  if (state.phase === 'ended' || state.phase === 'unknown') return undefined;
  const open = state.phase === 'parked' ? state.was : state;
  const record = recordOf(open.steps, open.current);
  const step = stepNamed(definition, open.current);
  const sent = open.phase === 'undoing' ? record?.undo : record;
  const sends = sent?.attempts ?? 1;
  const beside = open.phase === 'running' ? open.steps.filter(isOutstanding).map(({ name }) => name) : [];
  const others = beside.filter((name) => name !== open.current);
  const base = {
    step: open.current,
    message: definition === undefined ? open.current : messageOf(definition, open),
    since: iso(sent?.sentAt ?? state.dueAt),
    ...(others.length > 0 ? { beside: others } : {}),
    attempt: sends,
    ...(step !== undefined && open.phase === 'running' ? triesOf(step, record, open.maxAttempts) : {}),
  };
  if (state.phase === 'parked') return { ...base, nextTryAt: iso(state.dueAt), reason: state.reason };
  if (open.phase === 'running' && record?.retry !== undefined) {
    const { at, reason } = record.retry;
    return { ...base, since: iso(record.answeredAt!), nextTryAt: iso(at), reason: `refused: ${reason}` };
  }
  const silence = sends > 1 ? { reason: `no answer to ${sends - 1} of ${sends} tries` } : {};
  const isResent = open.phase !== 'running' || step?.forwardOnly === true;
  const next = isResent ? { nextTryAt: iso(open.dueAt) } : { until: iso(open.dueAt) };
  const stuck = unsent.find(({ id }) => outstandingIds(key, open).includes(id));
  if (stuck === undefined) return { ...base, ...next, ...silence };
  const { attempts, nextTryAt, reason } = stuck;
  return { ...base, attempt: sends + attempts, ...next, nextTryAt: iso(nextTryAt), reason };
}

function messageOf(definition: Definition, { phase, current }: OpenSaga): string {
  if (phase === 'undoing') return undoOf(definition, current)?.command.name ?? current;
  if (phase === 'closing') return definition.finalNotice?.command.name ?? current;
  return stepNamed(definition, current)?.command.name ?? current;
}

function stepNamed(definition: Definition | undefined, name: string): CommandStep | undefined {
  return definition && askedSteps(definition).find((step) => step.name === name);
}
