import { Counter, Gauge, type Registry } from 'prom-client';
import type { Decision, GateName, Input } from './breaker.ts';
import type { Breaker } from './contract.ts';

export interface BreakerMeter {
  decided(route: string, decision: Decision, input: Input): void;
  expired(route: string): void;
  redriven(route: string): void;
}

const NUMBERS: Readonly<Record<GateName, number>> = { closed: 0, half_open: 1, open: 2 };

/** Gauges are of the acting breaker only: a process that does not act has none. */
export function breakerMeter(
  registry: Registry,
  views: () => readonly Breaker[],
  distrust: (route: string) => string | undefined,
): BreakerMeter {
  const registers = [registry];
  const ofRoute = (name: string, help: string, read: (breaker: Breaker) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ['route'],
      registers,
      collect() {
        this.reset();
        for (const breaker of views()) this.set({ route: breaker.route }, read(breaker));
      },
    });
  };
  ofRoute('switchyard_breaker_state', '0 closed, 1 half-open, 2 open', ({ state }) => NUMBERS[state]);
  ofRoute('switchyard_breaker_delayed', 'Messages in the delay queue', ({ delayed }) => delayed);
  ofRoute('switchyard_breaker_parked', 'Expired messages that wait for their route', ({ parked }) => parked);
  ofRoute(
    'switchyard_breaker_wiring_problems',
    'Bindings that are not as they were provisioned, and that only provisioning mends',
    ({ problems }) => problems.length,
  );
  ofRoute('switchyard_breaker_ttl_wrong', '1: the queues do not expire as the policy says', ({ route }) =>
    distrust(route) === undefined ? 0 : 1,
  );
  const transitions = new Counter({
    name: 'switchyard_breaker_transitions_total',
    help: 'Changes of the gate',
    labelNames: ['route', 'from', 'to'],
    registers,
  });
  const counter = (name: string, help: string) => new Counter({ name, help, labelNames: ['route'], registers });
  const expired = counter('switchyard_breaker_expired_total', 'Messages that nobody took in time');
  const repairs = counter('switchyard_breaker_repairs_total', 'Gates whose bindings somebody else had changed');
  const redriven = counter('switchyard_breaker_redriven_total', 'Parked messages that were put back');
  return {
    decided(route, { transition }, { kind }) {
      if (kind === 'repair') repairs.inc({ route });
      if (transition !== undefined) transitions.inc({ route, from: transition.from, to: transition.to });
    },
    expired: (route) => expired.inc({ route }),
    redriven: (route) => redriven.inc({ route }),
  };
}
