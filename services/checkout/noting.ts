import type { Decision } from './state.ts';
import type { CheckoutSaga, CheckoutState } from './state.ts';
import { eventAnswers, eventsOf } from './place-checkout.ts';
import { type CheckoutLearned, withPassed } from './data.ts';
import type { Happening, Letter, Rejection } from '#services/checkout-flow.ts';
import { merge } from '#shared/vector-clock.ts';

const MAX_EVENTS = 60;

type Told = Omit<Happening, 'outcome'> & Partial<Pick<Happening, 'outcome'>>;

/** What an answer says of events, as its contract has it. */
export function notedIn(type: string, body: unknown): readonly Happening[] {
  if (!eventAnswers.has(type)) return [];
  const { happenings } = body as { readonly happenings?: readonly Happening[] };
  if (happenings !== undefined) return happenings;
  const { event, outcome = 'passed', clock, at, reason } = body as Told;
  return [{ event, outcome, clock, at, ...(reason !== undefined && { reason }) }];
}

/** The checkout with what was told of events: each once, and the clock that knows of them all. */
export function noting(state: CheckoutState, told: readonly Happening[]): CheckoutState {
  if (told.length === 0) return state;
  let { clock, events, saga } = state;
  for (const one of told) {
    if (one.outcome !== 'refused') clock = merge(clock, one.clock);
    saga = sagaAfter(saga, one);
    if (events.length < MAX_EVENTS && !events.some((known) => isSame(known, one))) events = [...events, one];
  }
  return { ...state, clock, events, saga };
}

/** While it runs, what passed is what the next requests say of what happened before them. */
function sagaAfter(saga: CheckoutSaga, { event, outcome, clock }: Happening): CheckoutSaga {
  if (outcome !== 'passed' || saga.phase !== 'running' || saga.data.clocks[event] !== undefined) return saga;
  return { ...saga, data: withPassed(saga.data, event, clock) };
}

function isSame(a: Happening, b: Happening): boolean {
  if (a.event !== b.event) return false;
  if (a.outcome !== 'refused' && b.outcome !== 'refused') return true;
  return a.outcome === b.outcome && a.reason?.code === b.reason?.code && a.reason?.title === b.reason?.title;
}

/** What follows for the customer from how the saga stands; `learned`: as it was before it ended. */
export function decisionOf(
  saga: CheckoutSaga,
  learned: Partial<CheckoutLearned>,
  events: readonly Happening[],
): Decision | undefined {
  if (learned.suggestions !== undefined && (saga.phase !== 'ended' || saga.outcome === 'completed'))
    return { status: 'approved', suggestions: learned.suggestions };
  if (saga.phase !== 'ended' || saga.outcome === 'completed') return undefined;
  const { reason: why = 'refused', step = '' } = saga.failure ?? {};
  const rejected = rejectionAt(eventsOf.get(step) ?? [], events);
  if (rejected !== undefined) return { status: 'rejected', reason: rejected };
  const code = saga.outcome === 'cancelled' ? 'abandoned' : why === 'timed_out' ? 'timed_out' : 'refused';
  return { status: 'failed', code, step };
}

function rejectionAt(letters: readonly Letter[], events: readonly Happening[]): Rejection | undefined {
  return events.find(({ event, outcome }) => outcome === 'rejected' && letters.includes(event))?.reason;
}
