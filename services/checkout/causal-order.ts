import type { CheckoutState } from './state.ts';
import {
  flows,
  type Flow,
  type Happening,
  type Letter,
  letters,
  ownerOf,
  participants,
} from '#services/checkout-flow.ts';
import { compare, covers } from '#shared/vector-clock.ts';

/** One sentence. */
export type CausalFinding = string;

type Told = Pick<CheckoutState, 'events' | 'clock' | 'decision'> & {
  readonly saga: { readonly phase: string; readonly definition?: { readonly name: string } };
};

/** What is wrong with the events of a checkout (I-11): with their order by their clocks, and with what was decided by them. */
export function causalFaults({ saga, events, clock, decision }: Told): readonly CausalFinding[] {
  const flow: Flow = saga.definition?.name === 'checkout-partial' ? 'partial' : 'chain';
  const happened = events.filter(({ outcome }) => outcome !== 'refused');
  return [
    ...outOfOrder(happened, flow),
    ...miscounted(happened),
    ...happened
      .filter((one) => !covers(clock, one.clock))
      .map(({ event }) => `the final clock does not know of ${event}`),
    ...afterRejection(happened, flow),
    ...misdecided(happened, decision),
  ];
}

/** An event is after each that must happen before it: its clock knows of that one's, and of more. */
function outOfOrder(happened: readonly Happening[], flow: Flow): readonly string[] {
  return happened.flatMap(({ event, clock }) => {
    const first: readonly Letter[] = flows[flow][event];
    return first.flatMap((letter) => {
      const before = happened.find((one) => one.event === letter);
      if (before === undefined) return [`${event} happened, and ${letter} did not`];
      return compare(before.clock, clock) === 'before' ? [] : [`${event} is not after ${letter} by its clock`];
    });
  });
}

/** One tick an event, and of no other participant than the three. */
function miscounted(happened: readonly Happening[]): readonly string[] {
  const strange = happened.filter(({ clock }) =>
    Object.keys(clock).some((name) => !(participants as readonly string[]).includes(name)),
  );
  return [
    ...strange.map(({ event }) => `the clock of ${event} counts somebody else`),
    ...participants.flatMap((name) => {
      const counts = happened.filter(({ event }) => ownerOf[event] === name).map(({ clock }) => clock[name] ?? 0);
      const isCounted = counts.toSorted((a, b) => a - b).every((count, place) => count === place + 1);
      return isCounted ? [] : [`${name} counted its events as ${counts.join(', ')}`];
    }),
  ];
}

/** After a rejection there is nothing that knows of it. */
function afterRejection(happened: readonly Happening[], flow: Flow): readonly string[] {
  const [rejected] = happened.filter(({ outcome }) => outcome === 'rejected');
  if (rejected === undefined) return [];
  const after = happened.filter(({ event }) => isAfter(event, rejected.event, flow));
  return after.map(({ event }) => `${event} happened after ${rejected.event} was rejected`);
}

function isAfter(event: Letter, other: Letter, flow: Flow): boolean {
  const first: readonly Letter[] = flows[flow][event];
  return first.some((letter) => letter === other || isAfter(letter, other, flow));
}

function misdecided(happened: readonly Happening[], decision: CheckoutState['decision']): readonly string[] {
  const passed = new Set(happened.filter(({ outcome }) => outcome === 'passed').map(({ event }) => event));
  if (decision?.status === 'approved') {
    const missing = letters.filter((letter) => !passed.has(letter));
    return missing.map((letter) => `it was approved without ${letter}`);
  }
  if (decision?.status !== 'rejected') return [];
  const { event } = decision.reason;
  return happened.some((one) => one.event === event && one.outcome === 'rejected')
    ? []
    : [`it was rejected at ${event}, which is not among its events`];
}
