import type { Decision } from './state.ts';
import type { CheckoutSaga, CheckoutState } from './state.ts';
import { eventOf, steps } from './place-checkout.ts';
import type { CheckoutData, CheckoutLearned } from './data.ts';
import type { Happening, Rejection } from '#services/checkout-flow.ts';
import { merge, type VectorClock } from '#shared/vector-clock.ts';

const MAX_EVENTS = 60;

/** Answers to requests for events; the bodies of other answers say nothing of any. */
const eventAnswers = new Set(
  Object.values(steps).flatMap(({ command: { done, refused } }) => [done!.name, refused!.name]),
);

type Told = Omit<Happening, 'outcome'> & Partial<Pick<Happening, 'outcome'>>;

/** What an answer says of an event, as its contract has it; `undefined`: nothing. */
export function notedIn(type: string, body: unknown): Happening | undefined {
  if (!eventAnswers.has(type)) return undefined;
  const { event, outcome = 'passed', clock, at, reason } = body as Told;
  return { event, outcome, clock, at, ...(reason !== undefined && { reason }) };
}

/** The checkout with what was told of events: each once, and the clock that knows of them all. */
export function noting(state: CheckoutState, told: readonly Happening[]): CheckoutState {
  const news = told.filter((one) => !state.events.some((known) => isSame(known, one)));
  const clock = told
    .filter(({ outcome }) => outcome !== 'refused')
    .reduce<VectorClock>((all, one) => merge(all, one.clock), state.clock);
  const events = [...state.events, ...news].slice(0, MAX_EVENTS);
  return { ...state, clock, events, saga: withClocks(state.saga, told) };
}

/** While it runs, the clocks of what passed are what the next requests say. */
function withClocks(saga: CheckoutSaga, told: readonly Happening[]): CheckoutSaga {
  if (saga.phase !== 'running') return saga;
  const passed = told.filter(({ outcome }) => outcome === 'passed').map(({ event, clock }) => [event, clock] as const);
  if (passed.length === 0) return saga;
  const data: CheckoutData = { ...saga.data, clocks: { ...Object.fromEntries(passed), ...saga.data.clocks } };
  return { ...saga, data };
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
  const rejected = rejectionAt(eventOf.get(step), events);
  if (rejected !== undefined) return { status: 'rejected', reason: rejected };
  const code = saga.outcome === 'cancelled' ? 'abandoned' : why === 'timed_out' ? 'timed_out' : 'refused';
  return { status: 'failed', code, step };
}

function rejectionAt(event: string | undefined, events: readonly Happening[]): Rejection | undefined {
  return events.find((one) => one.event === event && one.outcome === 'rejected')?.reason;
}
