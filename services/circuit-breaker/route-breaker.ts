import { decide, type Decision, type GateName, gateOf, type Input, type Override, type Policy } from './breaker.ts';
import { type Gated, moveGate, setGate } from './gate.ts';
import { putState, type StoredBreaker, takeState } from './stored-state.ts';
import type { Session } from '#shared/bus/bus.ts';
import type { Clock } from '#shared/clock.ts';
import type { Log } from '#shared/log.ts';

/** Moments in the middle of a change, where a test may end the process. */
export type Point = 'stored' | 'applied' | 'broadcast';
export type OnPoint = (point: Point, route: string, decision: Decision) => void | Promise<void>;

/** Every input with what was decided and when (epoch ms), in order, once it is so. */
export type OnDecision = (route: string, input: Input, decision: Decision, at: number) => void;

export interface RouteBreakerOptions extends Gated {
  readonly policy: Policy;
  readonly session: Session;
  readonly clock: Clock;
  readonly log: Log;
  /** Told after the change was stored and applied, whether or not the gate moved. */
  readonly broadcast: () => Promise<void>;
  readonly onDecision: OnDecision;
  readonly onPoint: OnPoint;
  /** Storing or applying failed: this breaker must act no more, the next one repairs. */
  readonly giveUp: (reason: unknown) => void;
  /** Why silence proves nothing now; `undefined`: it does. */
  readonly blindness: () => string | undefined;
}

/** One route's breaker during one term. Inputs are taken one at a time: stored (confirmed), then applied, then broadcast. */
export interface RouteBreaker {
  readonly stored: StoredBreaker;
  /** What its bindings are to be. */
  readonly gate: GateName;
  /** +1 when a change begins, +1 when it is applied: even while the bindings should be the gate's. */
  readonly acts: number;
  /** Epoch ms; `null`: no cycle runs. */
  readonly cycleEndsAt: number | null;
  /** A message expired and has arrived. */
  expired(): void;
  /** Resolves when it was stored and applied. */
  override(override: Override): Promise<void>;
  clearOverride(): Promise<void>;
  /** Binds what the gate is, because publishers saw another one. Resolves when it was stored and applied. */
  repair(found: GateName, cause: string): Promise<void>;
  end(): void;
}

interface WaitingInput {
  readonly input: Input;
  /** How late the cycle's end was noticed. */
  readonly lateMs: number;
  readonly done: (error?: Error) => void;
  /** Whose end it is; a newer override is not ended by it. */
  readonly of?: Override;
}

const KEPT_TRANSITIONS = 50;
/** After these both bindings are set, whatever they were. */
const BLIND: ReadonlySet<Input['kind']> = new Set(['override', 'override-ended', 'repair']);
/** Who notices the end of a cycle this late was asleep. */
const SLEPT_MS = 1000;

/** Reads the stored state, stores it again, repairs the bindings to it and starts a fresh cycle. Rejects when any of it fails. */
export async function takeOver(options: RouteBreakerOptions): Promise<RouteBreaker> {
  const { route, policy, session, clock, log, onDecision } = options;
  const { stored, held, problem } = await takeState(session, route, clock);
  if (problem !== undefined)
    log.error('the stored state of the gate cannot be read; it starts half-open', { route, reason: problem });
  const input: Input = { kind: 'taken-over' };
  const decision = decide(policy, stored.state, input);
  const now: StoredBreaker = { ...stored, state: decision.state };
  await putState(session, route, now);
  if (held !== undefined) session.ack(held);
  await setGate(session, options, gateOf(now.state));
  onDecision(route, input, decision, clock.now());
  return startRouteBreaker(options, now);
}

function startRouteBreaker(options: RouteBreakerOptions, initial: StoredBreaker): RouteBreaker {
  const { route, policy, session, clock, log, broadcast, onDecision, onPoint, giveUp, blindness } = options;
  let stored = initial;
  let ended = false;
  let running = false;
  let waiting: WaitingInput[] = [];
  let cycle: { readonly endsAt: number; readonly cancel: () => void } | undefined;
  let cancelOverride = (): void => {};
  let acts = 0;

  function startCycle(): void {
    cycle?.cancel();
    cycle = stored.state.machine.name === 'closed' ? undefined : cycleUntil(clock.now() + policy.cycleMs);
  }

  function cycleUntil(endsAt: number): typeof cycle {
    return {
      endsAt,
      cancel: clock.after(endsAt - clock.now(), () => {
        // A timer may fire a millisecond before its time.
        if (clock.now() < endsAt) cycle = cycleUntil(endsAt);
        else endCycleIfDue();
      }),
    };
  }

  /** Whatever arrives at the end of a cycle or later belongs to the next one, also when the timer is late. */
  function endCycleIfDue(): void {
    if (cycle === undefined || clock.now() < cycle.endsAt) return;
    const lateMs = clock.now() - cycle.endsAt;
    cycle.cancel();
    cycle = undefined;
    feed({ input: { kind: 'cycle-ended' }, lateMs, done() {} });
  }

  function watchOverride(): void {
    cancelOverride();
    const { override } = stored.state;
    if (override === undefined) return;
    cancelOverride = clock.after(Math.max(0, override.until - clock.now()), () => {
      feed({ input: { kind: 'override-ended' }, lateMs: 0, done() {}, of: override });
    });
  }

  function feed(item: WaitingInput): void {
    if (ended) {
      item.done(new Error('this breaker does not act any more'));
      return;
    }
    waiting.push(item);
    if (!running) void run();
  }

  /** Without anything to store it runs in one go: thousands of expiries cost no turn each. */
  async function run(): Promise<void> {
    running = true;
    for (let item = waiting.shift(); item !== undefined && !ended; item = waiting.shift()) {
      if (item.of !== undefined && stored.state.override !== item.of) continue;
      const input = seen(item);
      const decision = decide(policy, stored.state, input);
      try {
        if (mustStore(input, decision)) await enact(input, decision);
        else {
          stored = { ...stored, state: decision.state };
          onDecision(route, input, decision, clock.now());
        }
      } catch (error) {
        end();
        item.done(error as Error);
        giveUp(error);
        break;
      }
      item.done();
    }
    running = false;
  }

  /** Silence counts only for those who listened: a clean cycle that was slept through, or watched blind, begins again. */
  function seen({ input, lateMs }: WaitingInput): Input {
    const { machine } = stored.state;
    if (input.kind !== 'cycle-ended' || machine.name === 'closed' || machine.expired > 0) return input;
    const blind = lateMs > SLEPT_MS ? `its end was noticed ${Math.round(lateMs)} ms late` : blindness();
    if (blind === undefined) return input;
    log.warn('nothing is concluded from this cycle', { route, reason: blind });
    return { kind: 'taken-over' };
  }

  async function enact(input: Input, decision: Decision): Promise<void> {
    acts += 1;
    const { state, transition, cycleStarts } = decision;
    const at = clock.now();
    const next = after(stored, decision, at);
    await putState(session, route, next);
    await onPoint('stored', route, decision);
    if (BLIND.has(input.kind)) await setGate(session, options, gateOf(state));
    else if (transition !== undefined) await moveGate(session, options, transition.from, transition.to);
    stored = next;
    acts += 1;
    if (cycleStarts) startCycle();
    watchOverride();
    if (transition !== undefined) log.warn('the gate has moved', { route, ...transition });
    onDecision(route, input, decision, at);
    await onPoint('applied', route, decision);
    await broadcast();
    await onPoint('broadcast', route, decision);
  }

  function end(): void {
    if (ended) return;
    ended = true;
    cycle?.cancel();
    cycle = undefined;
    cancelOverride();
    for (const { done } of waiting) done(new Error('this breaker does not act any more'));
    waiting = [];
  }

  const fed = (input: Input): Promise<void> =>
    new Promise((resolve, reject) => {
      const done = (error?: Error): void => (error === undefined ? resolve() : reject(error));
      endCycleIfDue();
      feed({ input, lateMs: 0, done });
    });

  startCycle();
  watchOverride();
  return {
    get stored() {
      return stored;
    },
    get gate() {
      return gateOf(stored.state);
    },
    get acts() {
      return acts;
    },
    get cycleEndsAt() {
      return cycle?.endsAt ?? null;
    },
    expired() {
      endCycleIfDue();
      feed({ input: { kind: 'expired' }, lateMs: 0, done() {} });
    },
    override: (override) => fed({ kind: 'override', override }),
    clearOverride: () => fed({ kind: 'override-ended' }),
    repair: (found, cause) => fed({ kind: 'repair', found, cause }),
    end,
  };
}

/** A count within a cycle is not worth a message: the next leader would begin a new cycle anyway. */
function mustStore({ kind }: Input, { transition, cycleStarts }: Decision): boolean {
  return transition !== undefined || cycleStarts || kind !== 'expired';
}

function after(before: StoredBreaker, { state, transition }: Decision, at: number): StoredBreaker {
  if (transition === undefined) return { ...before, state };
  return { state, since: at, transitions: [{ ...transition, at }, ...before.transitions].slice(0, KEPT_TRANSITIONS) };
}
