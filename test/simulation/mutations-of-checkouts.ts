/** Deliberate defects of the checkout. */
import type { Mutation } from './mutation.ts';

const told = 'test/checkout/told.property.test.ts';
const undecided = 'test/checkout/undecided.test.ts';

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
  {
    name: 'nothing left of a checkout whose end nobody confirmed',
    guarantee: 'whoever may buy again under another key has not bought',
    file: 'services/checkout/undecided.ts',
    find: 'if (late.status !== GIVEN_UP) throw unknown(',
    replace: 'if (late.status > 600) throw unknown(',
    suite: undecided,
  },
  {
    name: 'nothing left of a checkout that could not be given up',
    guarantee: 'whoever may buy again under another key has not bought',
    file: 'services/checkout/undecided.ts',
    find: 'throw unknown(accepted, cause);',
    replace: 'throw cause;',
    suite: told,
  },
];
