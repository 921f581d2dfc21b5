import { BREAKER_REQUEST, type Breaker } from './contract.ts';
import type { ReadPartitions } from './partition-facts.ts';
import { answer } from './breaker-requests.ts';
import { LEADER } from './rights.ts';
import { createTally } from './tally.ts';
import { type ActingTerm, startTerm, type TermOptions } from './term.ts';
import { CONTROL } from '#shared/bus/topology/topology.ts';
import { type Standing, standForLeader } from '#shared/leader.ts';

export interface CircuitBreakerOptions extends Pick<
  TermOptions,
  'bus' | 'clock' | 'log' | 'name' | 'policies' | 'asked' | 'maxRedrives' | 'redrive'
> {
  readonly distrust?: TermOptions['distrust'];
  readonly wiring?: TermOptions['wiring'];
  readonly onDecision?: TermOptions['onDecision'];
  readonly readPartitions?: ReadPartitions | undefined;
  readonly onExpired?: (route: string) => void;
  readonly onRedriven?: (route: string) => void;
  /** For tests: what happens in the middle of a transition. */
  readonly onPoint?: TermOptions['onPoint'];
}

export interface CircuitBreaker {
  readonly standing: Standing;
  /** Every route as this process sees it; empty unless it acts. */
  views(): readonly Breaker[];
  stop(): Promise<void>;
}

/** One candidate: acts whenever it is the leader, and answers requests only then. Resolves once requests are heard. */
export async function startCircuitBreaker(options: CircuitBreakerOptions): Promise<CircuitBreaker> {
  const { bus, clock, log, onExpired = () => {}, onRedriven = () => {} } = options;
  const counted = createTally();
  const termOptions: TermOptions = {
    distrust: () => undefined,
    onDecision() {},
    onPoint() {},
    ...options,
    tally: {
      ...counted,
      expired(route) {
        counted.expired(route);
        onExpired(route);
      },
      redriven(route) {
        counted.redriven(route);
        onRedriven(route);
      },
    },
  };
  let term: ActingTerm | undefined;

  // Before it acts: a listener may ask as soon as it hears the first snapshot.
  const requests = await bus.subscribe(CONTROL, [BREAKER_REQUEST], (packet) => {
    // `answer` catches what a request can do wrong.
    if (term !== undefined) void answer(term, packet, options);
  });
  const candidate = standForLeader({
    bus,
    clock,
    log,
    lock: LEADER,
    office: 'breaker',
    async lead(session) {
      const acting = await startTerm(session, termOptions);
      term = acting;
      acting.begin();
      return {
        end() {
          acting.end();
          term = undefined;
        },
      };
    },
  });
  return {
    get standing() {
      return candidate.standing;
    },
    views: () => [...(term?.routes.values() ?? [])].map((route) => route.view()),
    async stop() {
      await requests.close();
      await candidate.stop();
    },
  };
}
