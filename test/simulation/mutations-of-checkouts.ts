/** Deliberate defects of the checkout. */
import type { Mutation } from './mutation.ts';

export const ofCheckouts: readonly Mutation[] = [
  {
    name: 'a service that does not merge',
    guarantee: 'the clock of an event covers those of the events that must come first',
    file: 'services/causal-entity.ts',
    find: 'const clock = tick(merge(state.clock, body.clock), service);',
    replace: 'const clock = tick(state.clock, service);',
  },
  {
    name: 'a tick left out',
    guarantee: 'each event is counted',
    file: 'services/causal-entity.ts',
    find: 'const clock = tick(merge(state.clock, body.clock), service);',
    replace:
      "const clock = event === 'E' ? merge(state.clock, body.clock) : tick(merge(state.clock, body.clock), service);",
  },
  {
    name: 'the final clock not sent',
    guarantee: 'of a checkout that is over nothing is kept',
    file: 'services/checkout/clearing.ts',
    find: 'return Object.fromEntries(participants.map((name) => [name, sent])) as Clearing;',
    replace:
      "return Object.fromEntries(participants.filter((name) => name !== 'fraud').map((name) => [name, sent])) as Clearing;",
  },
  {
    name: 'a trigger that came too early taken',
    guarantee: 'an event happens after those that must come first',
    file: 'services/causal-entity.ts',
    find: 'if (missing.length > 0) {',
    replace: 'if (missing.length > 9) {',
  },
];
