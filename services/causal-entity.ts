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

/** What became of a request for an event, with what it is answered. */
interface Taken {
  readonly state: CausalState;
  readonly one: OpenCausal['events'][number];
}

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
  const told = ({ state, one }: Taken, context: Context): Result<CausalState> => {
    const type = one.outcome === 'passed' ? command.done : command.refused;
    return answering(state, context.answer(type as EventType, one.answer));
  };
  return on(command, (state: CausalState = nothing, body, context) => {
    const known = knownOrEarly(event, state, body, context.now);
    if (known !== undefined) return told(known, context);
    const after = (verdict: Verdict<Told>) => told(decided(event, state, body, verdict, context.now), context);
    const verdict = decide(body, context);
    return verdict instanceof Promise ? verdict.then(after) : after(verdict);
  });
}

/** Does several events of an order by one request, each after the one before it and as its own; after one that did not pass, none. */
export function takesInRow<Body extends Asked, Done, Refused>(
  command: Answers<Body, Done, Refused>,
  row: readonly (readonly [event: Letter, decide: (body: Body) => Verdict<object>])[],
): Handler<CausalState> {
  return on(command, (before: CausalState = nothing, body, context) => {
    const { orderId } = body;
    const happenings: Happening[] = [];
    let state = before;
    let asked: Asked = body;
    for (const [event, decide] of row) {
      const taken =
        knownOrEarly(event, state, asked, context.now) ?? decided(event, state, asked, decide(body), context.now);
      const happening = happeningOf(taken.one);
      ({ state } = taken);
      happenings.push(happening);
      if (happening.outcome !== 'passed')
        return answering(state, context.answer(command.refused as EventType, { orderId, happenings }));
      asked = knowing(asked, happening);
    }
    return answering(state, context.answer(command.done as EventType, { orderId, happenings }));
  });
}

/** The request as it would be for what comes next: it knows of this event, too. */
function knowing({ orderId, flow, clock, before }: Asked, { event, clock: of }: Happening): Asked {
  return { orderId, flow, clock: merge(clock, of), before: [...before, { event, clock: of }] };
}

/** `undefined`: it has not happened, and may happen now. */
function knownOrEarly(event: Letter, state: CausalState, asked: Asked, now: number): Taken | undefined {
  if (state.status === 'cleared')
    return refused(event, state, asked, refusal(event, 'already_ended', 'The checkout has ended'), now);
  const known = state.events.find((one) => one.event === event);
  if (known !== undefined) return { state, one: known };
  const missing = missingBefore(event, state, asked);
  if (missing.length === 0) return undefined;
  const reason = refusal(event, 'too_early', `${missing.join(', ')} must happen before ${event}`);
  const early = { event, outcome: 'refused', clock: asked.clock, at: now, reason } as const;
  return refused(event, withEarly(state, early), asked, reason, now);
}

function refused(event: Letter, state: CausalState, { orderId }: Asked, reason: Rejection, now: number): Taken {
  const clock = state.status === 'open' ? state.clock : {};
  const said = { event, clock, at: now, outcome: 'refused', reason } as const;
  return { state, one: { ...said, answer: { orderId, ...said } } };
}

/** Of what may happen now. */
function decided(
  event: Letter,
  before: CausalState,
  { orderId, clock: known }: Asked,
  verdict: Verdict<object>,
  now: number,
): Taken {
  const state = before as OpenCausal;
  const clock = tick(merge(state.clock, known), ownerOf[event]);
  const outcome = verdict.passed ? 'passed' : 'rejected';
  const reason = verdict.passed ? {} : { reason: verdict.reason };
  const told = verdict.passed ? verdict.tells : { outcome, ...reason };
  const answer = { orderId, event, clock, at: now, ...told };
  const one = { event, outcome, clock, at: now, ...reason, answer } as const;
  return { state: { ...state, clock, events: [...state.events, one] }, one };
}

function happeningOf({ answer: _answer, ...one }: OpenCausal['events'][number]): Happening {
  return one;
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
  return { clock: state.clock, happenings: [...state.events.map(happeningOf), ...state.early] };
}

/** When there is nothing more to come: a cleared order goes into the archive with the rest. */
export function clearedAt(state: CausalState): number | undefined {
  return state.status === 'cleared' ? state.at : undefined;
}
