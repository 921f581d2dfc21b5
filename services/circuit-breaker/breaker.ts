/**
 * The circuit breaker's decision, apart from clock, timers and broker (after the classic breaker of Nygard, "Release It!",
 * with evidence from expired messages instead of calls). One cycle is a stretch of `cycleMs`; the shell says when it ends.
 */
export type GateName = 'closed' | 'half_open' | 'open';

export interface Policy {
  /** TTL of the partition queues, ms: how long a message may wait before it counts as evidence. */
  readonly ttlMs: number;
  /** How long the half-open gate delays a message, ms. */
  readonly delayMs: number;
  readonly cycleMs: number;
  /** Cycles in a row with expiries after which half-open becomes open. */
  readonly badCycles: number;
}

/** What the evidence says. Source designs: IsClose, Half-Open, IsOpen. `cycle` counts the cycles of the machine's life. */
export type Machine =
  | { readonly name: 'closed'; readonly cycle: number }
  | { readonly name: 'half_open'; readonly cycle: number; readonly expired: number; readonly badCycles: number }
  | { readonly name: 'open'; readonly cycle: number; readonly expired: number };

/** An operator's word, which stands above the machine until it ends. Epoch ms. */
export interface Override {
  readonly state: GateName;
  readonly until: number;
  /** Who gave it, and why. */
  readonly by?: string;
  readonly reason?: string;
}

export interface BreakerState {
  readonly machine: Machine;
  readonly override?: Override;
  /** +1 whenever the gate changes. */
  readonly generation: number;
}

export type Input =
  /** A message expired and arrived at the breaker. */
  | { readonly kind: 'expired' }
  | { readonly kind: 'cycle-ended' }
  | { readonly kind: 'override'; readonly override: Override }
  /** The operator took it back, or its time is over. */
  | { readonly kind: 'override-ended' }
  /** Somebody else had changed the bindings of the gate; publishers saw `found`. */
  | { readonly kind: 'repair'; readonly found: GateName; readonly cause: string }
  /** A new leader: nothing is concluded from the time without one. */
  | { readonly kind: 'taken-over' };

export interface GateTransition {
  readonly from: GateName;
  readonly to: GateName;
  readonly cycle: number;
  /** Expiries of the cycle that decided it. */
  readonly expired: number;
  readonly cause: string;
}

export interface Decision {
  readonly state: BreakerState;
  /** The gate must change. */
  readonly transition?: GateTransition;
  /** A new cycle starts now. */
  readonly cycleStarts: boolean;
}

/** A breaker that nothing is known of. */
export const initially: BreakerState = { machine: { name: 'closed', cycle: 0 }, generation: 0 };

/** What the gate is to be: the operator's word, else the machine's. */
export function gateOf({ machine, override }: BreakerState): GateName {
  return override?.state ?? machine.name;
}

/** The next state after an input: a pure function, and total: every input has a meaning in every state. */
export function decide(policy: Policy, state: BreakerState, input: Input): Decision {
  const { machine } = state;
  switch (input.kind) {
    case 'expired':
      return machine.name === 'closed'
        ? moved(state, halfOpen(machine.cycle + 1, 0), 0, 'a message expired')
        : stay({ ...state, machine: { ...machine, expired: machine.expired + 1 } });
    case 'cycle-ended':
      return endOfCycle(policy, state);
    case 'override':
      return overridden(state, input.override);
    case 'override-ended':
      return released(policy, state);
    case 'repair':
      return repaired(state, input.found, input.cause);
    case 'taken-over':
      return { ...stay({ ...state, machine: uncounted(machine) }), cycleStarts: machine.name !== 'closed' };
  }
}

function endOfCycle({ badCycles: limit }: Policy, state: BreakerState): Decision {
  const { machine } = state;
  const cycle = machine.cycle + 1;
  switch (machine.name) {
    case 'closed':
      return stay(state);
    case 'half_open': {
      const { expired } = machine;
      if (expired === 0) return moved(state, { name: 'closed', cycle }, 0, 'a cycle without expiries');
      const badCycles = machine.badCycles + 1;
      if (badCycles >= limit)
        return moved(state, { name: 'open', cycle, expired: 0 }, expired, `${badCycles} bad cycles in a row`);
      return nextCycle(state, halfOpen(cycle, badCycles));
    }
    case 'open':
      if (machine.expired > 0) return nextCycle(state, { name: 'open', cycle, expired: 0 });
      return moved(state, halfOpen(cycle, limit - 1), 0, 'a cycle without expiries');
  }
}

/** The gate was not what it should have been: nothing is concluded from that time. */
function repaired(state: BreakerState, from: GateName, cause: string): Decision {
  const { machine, generation } = state;
  return {
    state: { ...state, machine: uncounted(machine), generation: generation + 1 },
    transition: { from, to: gateOf(state), cycle: machine.cycle, expired: expiredOf(machine), cause },
    cycleStarts: machine.name !== 'closed',
  };
}

function overridden(state: BreakerState, override: Override): Decision {
  return changed(state, { ...state, override }, expiredOf(state.machine), 'forced by an operator', false);
}

/** Nobody published while it was forced open, so a machine that is closed knows nothing: it goes through half-open. */
function released({ badCycles: limit }: Policy, state: BreakerState): Decision {
  if (state.override === undefined) return stay(state);
  const { override, ...rest } = state;
  const blind = override.state === 'open' && state.machine.name === 'closed';
  const machine = blind ? halfOpen(state.machine.cycle + 1, limit - 1) : state.machine;
  return changed(state, { ...rest, machine }, expiredOf(state.machine), 'the override ended', blind);
}

function moved(state: BreakerState, machine: Machine, expired: number, cause: string): Decision {
  return changed(state, { ...state, machine }, expired, cause, true);
}

function changed(
  before: BreakerState,
  after: BreakerState,
  expired: number,
  cause: string,
  cycleStarts: boolean,
): Decision {
  const from = gateOf(before);
  const to = gateOf(after);
  if (from === to) return { state: after, cycleStarts };
  const transition: GateTransition = { from, to, cycle: after.machine.cycle, expired, cause };
  return { state: { ...after, generation: before.generation + 1 }, transition, cycleStarts };
}

function stay(state: BreakerState): Decision {
  return { state, cycleStarts: false };
}

function nextCycle(state: BreakerState, machine: Machine): Decision {
  return { state: { ...state, machine }, cycleStarts: true };
}

function halfOpen(cycle: number, badCycles: number): Machine {
  return { name: 'half_open', cycle, expired: 0, badCycles };
}

function uncounted(machine: Machine): Machine {
  return machine.name === 'closed' ? machine : { ...machine, expired: 0 };
}

function expiredOf(machine: Machine): number {
  return machine.name === 'closed' ? 0 : machine.expired;
}

/** What is wrong with a policy; each sentence says what to change. Times in ms. */
export function problemsOf({ ttlMs, delayMs, cycleMs, badCycles }: Policy, stepDeadlineMs: number): readonly string[] {
  const whole = Object.entries({ ttlMs, delayMs, cycleMs, badCycles }).filter(
    ([, value]) => !Number.isInteger(value) || value < 1,
  );
  return [
    ...whole.map(([name, value]) => `${name} must be a whole number of at least 1, not ${value}`),
    ...(cycleMs <= delayMs + ttlMs
      ? [
          `cycleMs (${cycleMs}) must be more than delayMs + ttlMs (${delayMs + ttlMs}): a shorter clean cycle proves nothing`,
        ]
      : []),
    ...(stepDeadlineMs <= ttlMs + delayMs + cycleMs
      ? [
          `the step deadline (${stepDeadlineMs}) must be more than ttlMs + delayMs + cycleMs (${ttlMs + delayMs + cycleMs})`,
        ]
      : []),
  ];
}
