import type { Externals } from '#shared/bus/topology/topology.ts';

/**
 * Publishers that are not ours, in any language. Each gets a broker user that may publish to `<route>.in` of the routes that it names,
 * through the gate, and may do nothing else; `npm run publisher` prints its URL. What it must do is in docs/circuit-breaker.md.
 */
export const externals: Externals = {
  shop: { external: true, commands: ['wallet'] },
};
