import { type Policy, problemsOf } from './breaker.ts';
import { delayMsOf, type GateConfig } from './contract.ts';
import type { RouteTable, Timing } from '#shared/bus/topology/topology.ts';
import { ttlMsOf } from '#shared/bus/topology/ttl.ts';
import { ConfigError } from '#shared/errors.ts';

/** What provisioning reads. */
export type TimingConfig = Pick<GateConfig, 'MESSAGE_TTL_MS' | 'GATE_DELAY_MS' | 'GATE_POLICIES'>;

/** Each route's policy: the common one, with what `GATE_POLICIES` says of it. */
export function policiesOf(config: GateConfig, routes: readonly string[]): ReadonlyMap<string, Policy> {
  return new Map(routes.map((route) => [route, policyOf(config, route)]));
}

/** What is wrong with the policies, all of it: nothing may run with one of these. */
export const policyRules: readonly ((
  config: GateConfig & { readonly STEP_DEADLINE_MS: number },
  table: Pick<RouteTable, 'routes'>,
) => readonly string[])[] = [
  (config, { routes }) => unknownRoutesIn(config, routes),
  (config, { routes }) =>
    [...policiesOf(config, routes)].flatMap(([route, policy]) =>
      problemsOf(policy, config.STEP_DEADLINE_MS).map((problem) => `route ${route}: ${problem}`),
    ),
];

/** What is wrong with the names of routes, for those who read the policies and not all that `policyRules` needs. */
export function routesRule(
  routes: readonly string[],
): (config: Pick<GateConfig, 'GATE_POLICIES'>) => readonly string[] {
  return (config) => unknownRoutesIn(config, routes);
}

/** What provisioning gives a route's queues. Throws a `ConfigError` for routes that there are not. */
export function timingsOf(config: TimingConfig, routes: readonly string[]): (route: string) => Timing {
  const problems = unknownRoutesIn(config, routes);
  if (problems.length > 0) throw new ConfigError(problems);
  return (route) => ({ ttlMs: ttlMsOf(config, route), delayMs: delayMsOf(config, route) });
}

function policyOf(config: GateConfig, route: string): Policy {
  const own = config.GATE_POLICIES[route] ?? {};
  return {
    ttlMs: ttlMsOf(config, route),
    delayMs: delayMsOf(config, route),
    cycleMs: own.cycleMs ?? config.GATE_CYCLE_MS,
    badCycles: own.badCycles ?? config.GATE_BAD_CYCLES,
  };
}

function unknownRoutesIn({ GATE_POLICIES }: Pick<GateConfig, 'GATE_POLICIES'>, routes: readonly string[]): string[] {
  return Object.keys(GATE_POLICIES)
    .filter((route) => !routes.includes(route))
    .map((route) => `GATE_POLICIES names the route ${JSON.stringify(route)}, there are: ${routes.join(', ')}`);
}
