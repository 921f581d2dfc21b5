import {
  flows,
  ownerOf,
  type Flow,
  type Happening,
  type Letter,
  type Participant,
  type Rejection,
} from './checkout-flow.ts';
import { answering, on, type Context, type Handler, type Result } from '#shared/entity/entity.ts';
import type { CommandType, EventType } from '#shared/message.ts';
import { compare, covers, merge, tick, type VectorClock } from '#shared/vector-clock.ts';

/** What a service keeps of one order until its checkout ends: its clock, and what happened here. */
export interface OpenCausal {
  readonly status: 'open';
  readonly clock: VectorClock;
  /** In the order in which it happened, each event once; with what it was answered. */
  readonly events: readonly (Happening & { readonly answer: object })[];
  /** What came too early, the newest. */
  readonly early: readonly Happening[];
}
export type CausalState =
  | OpenCausal
  /** Nothing of the order is kept but that there was one. */
  | { readonly status: 'cleared'; /** Epoch ms. */ readonly at: number };

/** What a request for an event says of what happened before it. */
interface Asked {
  readonly orderId: string;
  readonly flow: Flow;
  readonly clock: VectorClock;
  readonly before: readonly { readonly event: Letter; readonly clock: VectorClock }[];
}

export type Verdict<Told extends object> =
  | { readonly passed: true; readonly tells: Told }
  | { readonly passed: false; readonly reason: Rejection };

/** Of an event whose passing tells no more than that. */
export function verdict(reason: Rejection | undefined): Verdict<object> {
  return reason === undefined ? { passed: true, tells: {} } : { passed: false, reason };
}

type Answers<Body, Done, Refused> = CommandType<Body> & {
  readonly done: EventType<Done>;
  readonly refused: EventType<Refused>;
};

const KEPT_EARLY = 20;
const nothing: OpenCausal = { status: 'open', clock: {}, events: [], early: [] };

/**
 * Does one event of an order: merges the clock of the request, counts one, decides, and keeps the clock with what it decided. A request that
 * came before what must happen first is refused and kept among the early ones; one for an event that happened is answered as it was, and
 * counts nothing.
 */
export function takes<Body extends Asked, Done, Refused, Told extends object>(
  command: Answers<Body, Done, Refused>,
  event: Letter,
  decide: (body: Body, context: Context) => Verdict<Told> | Promise<Verdict<Told>>,
): Handler<CausalState> {
  const service = ownerOf[event];
  const refuse = (state: CausalState, { orderId }: Asked, reason: Rejection, context: Context) => {
    const clock = state.status === 'open' ? state.clock : {};
    const body = { orderId, event, clock, at: context.now, outcome: 'refused', reason };
    return answering(state, context.answer(command.refused as EventType, body));
  };

  function decided(state: OpenCausal, body: Asked, verdict: Verdict<Told>, context: Context): Result<CausalState> {
    const clock = tick(merge(state.clock, body.clock), service);
    const { orderId } = body;
    const at = context.now;
    const outcome = verdict.passed ? 'passed' : 'rejected';
    const reason = verdict.passed ? {} : { reason: verdict.reason };
    const told = verdict.passed ? verdict.tells : { outcome, ...reason };
    const answer = { orderId, event, clock, at, ...told };
    const next = {
      ...state,
      clock,
      events: [...state.events, { event, outcome, clock, at, ...reason, answer } as const],
    };
    return answering(next, context.answer((verdict.passed ? command.done : command.refused) as EventType, answer));
  }

  return on(command, (state: CausalState = nothing, body, context) => {
    if (state.status === 'cleared')
      return refuse(state, body, refusal(event, 'already_ended', 'The checkout has ended'), context);
    const known = state.events.find((one) => one.event === event);
    if (known !== undefined) {
      const type = known.outcome === 'passed' ? command.done : command.refused;
      return answering(state, context.answer(type as EventType, known.answer));
    }
    const missing = missingBefore(event, state, body);
    if (missing.length > 0) {
      const reason = refusal(event, 'too_early', `${missing.join(', ')} must happen before ${event}`);
      const early = { event, outcome: 'refused', clock: body.clock, at: context.now, reason } as const;
      return refuse(withEarly(state, early), body, reason, context);
    }
    const verdict = decide(body, context);
    if (!(verdict instanceof Promise)) return decided(state, body, verdict, context);
    return verdict.then((late) => decided(state, body, late, context));
  });
}

/** The events that must have happened first, as far as the request does not show by its clock that they have. */
function missingBefore(event: Letter, { events }: OpenCausal, { flow, clock, before }: Asked): readonly Letter[] {
  const service: Participant = ownerOf[event];
  const first: readonly Letter[] = flows[flow][event];
  return first.filter((letter) => {
    const known = before.find((one) => one.event === letter);
    const isOwn = ownerOf[letter] === service;
    const own = events.find((one) => one.event === letter);
    const counted = known?.clock[ownerOf[letter]] ?? 0;
    return known === undefined || counted < 1 || !covers(clock, known.clock) || (isOwn && own?.outcome !== 'passed');
  });
}

function withEarly(state: OpenCausal, one: Happening): OpenCausal {
  const isKnown = state.early.some(({ event, clock }) => event === one.event && compare(clock, one.clock) === 'equal');
  return isKnown ? state : { ...state, early: [...state.early, one].slice(-KEPT_EARLY) };
}

function refusal(event: Letter, code: string, title: string): Rejection {
  return { event, code, title, detail: title, also: [] };
}

interface FinalClock {
  readonly orderId: string;
  readonly clock: VectorClock;
  readonly known?: readonly Letter[] | undefined;
}

/** The end of a checkout: what is kept of it goes, unless more has happened here than the final clock knows of, which is reported. */
export function clears<Body extends FinalClock, Done>(
  command: CommandType<Body> & { readonly done: EventType<Done> },
): Handler<CausalState> {
  return on(command, (state: CausalState | undefined, { orderId, clock, known = [] }, context) => {
    const { clock: own, happenings } = keptOf(state);
    const isCleared = covers(clock, own);
    const untold = happenings.filter(({ event, outcome }) => outcome === 'refused' || !known.includes(event));
    const answer = { orderId, isCleared, clock: own, happenings: untold };
    const cleared = { status: 'cleared', at: state?.status === 'cleared' ? state.at : context.now } as const;
    return answering(
      isCleared || state === undefined ? cleared : state,
      context.answer(command.done as EventType, answer),
    );
  });
}

/** What its service knows of the order. */
export function keptOf(state: CausalState | undefined): {
  readonly clock: VectorClock;
  readonly happenings: readonly Happening[];
} {
  if (state?.status !== 'open') return { clock: {}, happenings: [] };
  const events = state.events.map(({ answer: _answer, ...one }): Happening => one);
  return { clock: state.clock, happenings: [...events, ...state.early] };
}

/** When there is nothing more to come: a cleared order goes into the archive with the rest. */
export function clearedAt(state: CausalState): number | undefined {
  return state.status === 'cleared' ? state.at : undefined;
}
