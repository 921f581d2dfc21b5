/** Deliberate defects of the checkout. */
import type { Mutation } from './mutation.ts';

const told = 'test/checkout/told.property.test.ts';
const undecided = 'test/checkout/undecided.test.ts';

export const ofCheckouts: readonly Mutation[] = [
  {
    name: 'a service that does not merge',
    guarantee: 'the clock of an event covers those of the events that must come first',
    file: 'services/causal-entity.ts',
    find: 'const clock = tick(merge(state.clock, known), ownerOf[event]);',
    replace: 'const clock = tick(state.clock, ownerOf[event]);',
  },
  {
    name: 'a tick left out',
    guarantee: 'each event is counted',
    file: 'services/causal-entity.ts',
    find: 'const clock = tick(merge(state.clock, known), ownerOf[event]);',
    replace:
      "const clock = event === 'E' ? merge(state.clock, known) : tick(merge(state.clock, known), ownerOf[event]);",
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
    find: 'if (missing.length === 0) return undefined;',
    replace: 'if (missing.length <= 9) return undefined;',
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
  {
    name: 'an event that comes twice counts twice',
    guarantee: 'each event is counted once',
    file: 'services/causal-entity.ts',
    find: 'if (known !== undefined) return { state, one: known };',
    replace: "if (known !== undefined && event === 'F') return { state, one: known };",
    suite: 'test/checkout/triggers.test.ts',
  },
  {
    name: 'an event of its own that was rejected is enough',
    guarantee: 'after a rejection nothing happens that knows of it',
    file: 'services/causal-entity.ts',
    find: "(isOwn && own?.outcome !== 'passed')",
    replace: '(isOwn && own === undefined)',
    suite: 'test/checkout/causal-order.test.ts',
  },
  {
    name: 'orders share a clock',
    guarantee: 'no clock knows of another order',
    file: 'services/causal-entity.ts',
    find: 'const clock = tick(merge(state.clock, known), ownerOf[event]);',
    replace:
      'const service = ownerOf[event];\n  const clock = (shared[service] = tick(merge(shared[service] ?? {}, known), service));',
    and: {
      file: 'services/causal-entity.ts',
      find: 'const KEPT_EARLY = 20;',
      replace: 'const KEPT_EARLY = 20;\nconst shared: Record<string, VectorClock> = {};',
    },
  },
  {
    name: 'cleared although more has happened',
    guarantee: 'what a service knows that the final clock does not is reported, and kept until it is told',
    file: 'services/causal-entity.ts',
    find: 'const isCleared = covers(clock, own);',
    replace: 'const isCleared = true;',
    suite: 'test/checkout/triggers.test.ts',
  },
  {
    name: 'queued before it is approved',
    guarantee: 'a rejected checkout is never queued',
    file: 'services/checkout/place-checkout.ts',
    find: '      enqueueOrder,\n    ],',
    replace: '      { ...enqueueOrder, after: [steps.C.name] },\n    ],',
    suite: 'test/checkout/rules.test.ts',
  },
];
