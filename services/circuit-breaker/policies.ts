import { type Policy, problemsOf } from './breaker.ts';
import type { RouteTable, Timing } from '#shared/bus/topology/topology.ts';
import { ttlMsOf, type CommonConfig } from '#shared/host/config.ts';
import { ConfigError } from '#shared/errors.ts';

type PolicyConfig = Pick<
  CommonConfig,
  'MESSAGE_TTL_MS' | 'GATE_DELAY_MS' | 'GATE_CYCLE_MS' | 'GATE_BAD_CYCLES' | 'GATE_POLICIES'
>;

/** Each route's policy: the common one, with what `GATE_POLICIES` says of it. */
export function policiesOf(config: PolicyConfig, routes: readonly string[]): ReadonlyMap<string, Policy> {
  return new Map(routes.map((route) => [route, policyOf(config, route)]));
}

/** What is wrong with the policies, all of it: nothing may run with one of these. */
export const policyRules: readonly ((
  config: PolicyConfig & Pick<CommonConfig, 'STEP_DEADLINE_MS'>,
  table: Pick<RouteTable, 'routes'>,
) => readonly string[])[] = [
  (config, { routes }) => strangersOf(config, routes),
  (config, { routes }) =>
    [...policiesOf(config, routes)].flatMap(([route, policy]) =>
      problemsOf(policy, config.STEP_DEADLINE_MS).map((problem) => `route ${route}: ${problem}`),
    ),
];

/** What is wrong with the names of routes, for those who read the policies and not all that `policyRules` needs. */
export function routesRule(
  routes: readonly string[],
): (config: Pick<PolicyConfig, 'GATE_POLICIES'>) => readonly string[] {
  return (config) => strangersOf(config, routes);
}

/** What provisioning gives a route's queues. Throws a `ConfigError` for routes that there are not. */
export function timingsOf(config: PolicyConfig, routes: readonly string[]): (route: string) => Timing {
  const problems = strangersOf(config, routes);
  if (problems.length > 0) throw new ConfigError(problems);
  return (route) => {
    const { ttlMs, delayMs } = policyOf(config, route);
    return { ttlMs, delayMs };
  };
}

function policyOf(config: PolicyConfig, route: string): Policy {
  const own = config.GATE_POLICIES[route] ?? {};
  return {
    ttlMs: ttlMsOf(config, route),
    delayMs: own.delayMs ?? config.GATE_DELAY_MS,
    cycleMs: own.cycleMs ?? config.GATE_CYCLE_MS,
    badCycles: own.badCycles ?? config.GATE_BAD_CYCLES,
  };
}

function strangersOf({ GATE_POLICIES }: Pick<PolicyConfig, 'GATE_POLICIES'>, routes: readonly string[]): string[] {
  return Object.keys(GATE_POLICIES)
    .filter((route) => !routes.includes(route))
    .map((route) => `GATE_POLICIES names the route ${JSON.stringify(route)}, there are: ${routes.join(', ')}`);
}
