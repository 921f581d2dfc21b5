/** I-11: what an audit says of a checkout whose events, clocks or decision were not so. */
import test from 'ava';
import { causalFaults } from '#services/checkout/causal-order.ts';
import type { CheckoutState, Decision } from '#services/checkout/state.ts';
import { type Flow, type Happening, type Letter, ownerOf } from '#services/checkout-flow.ts';
import { causalAudit } from '#services/causal-audit.ts';
import type { AuditedThing } from '#shared/audited-thing.ts';
import { merge, tick, type VectorClock } from '#shared/vector-clock.ts';

type Told = Parameters<typeof causalFaults>[0];

/** A checkout in which these happened one after the other, the last one rejected when it was not the last of its flow. */
function checkout(letters: string, flow: Flow = 'chain'): Told {
  let known: VectorClock = {};
  const events = [...letters].map((letter, n): Happening => {
    const event = letter as Letter;
    known = tick(known, ownerOf[event]);
    const isRejected = n === letters.length - 1 && event !== 'F';
    return { event, outcome: isRejected ? 'rejected' : 'passed', clock: known, at: n };
  });
  const last = events.at(-1)!.event;
  const reason = { event: last, code: 'none', title: '', detail: '', also: [] };
  const decision: Decision = last === 'F' ? { status: 'approved', suggestions: [] } : { status: 'rejected', reason };
  const saga = { phase: 'ended', definition: { name: `checkout-${flow}` } };
  return { saga, events, clock: known, decision: { ...decision, at: 9 } };
}

/** The same with one of its events changed, or without it. */
function changed(told: Told, letter: Letter, change: Partial<Happening> | undefined): Told {
  const events = told.events.flatMap((one) =>
    one.event !== letter ? [one] : change === undefined ? [] : [{ ...one, ...change }],
  );
  return { ...told, events };
}

const clockOf = (told: Told, letter: Letter): VectorClock => told.events.find(({ event }) => event === letter)!.clock;

test('a checkout that was approved, or rejected at any event, is right; so is what came too early', (t) => {
  for (const letters of ['ABDCEF', 'A', 'AB', 'ABD', 'ABDC', 'ABDCE']) t.deepEqual(causalFaults(checkout(letters)), []);
  const early: Happening = { event: 'F', outcome: 'refused', clock: {}, at: 0 };
  const told = checkout('ABDCEF');
  t.deepEqual(causalFaults({ ...told, events: [early, ...told.events] }), []);
  t.deepEqual(causalFaults(checkout('ABCDEF', 'partial')), []);
  t.deepEqual(causalFaults({ saga: { phase: 'running' }, events: [], clock: {} }), []);
});

test('an event without one that must come first, or not after it by its clock, is found', (t) => {
  const told = checkout('ABDCEF');
  t.true(causalFaults(changed(told, 'D', undefined)).includes('C happened, and D did not'));
  for (const [event, before] of ['BA', 'DB', 'CD', 'EC', 'FE'].map((pair) => [...pair] as [Letter, Letter])) {
    const finding = `${event} is not after ${before} by its clock`;
    t.true(causalFaults(changed(told, event, { clock: clockOf(told, before) })).includes(finding), finding);
    const own = { [ownerOf[event]]: clockOf(told, event)[ownerOf[event]]! };
    if (ownerOf[event] !== ownerOf[before])
      t.deepEqual(causalFaults(changed(told, event, { clock: own }))[0], finding, 'its clock knows of nobody else');
  }
  const reordered = checkout('ABCDEF');
  t.deepEqual(causalFaults(reordered), ['C is not after D by its clock']);
  t.deepEqual(causalFaults({ ...reordered, saga: { phase: 'ended', definition: { name: 'checkout-partial' } } }), []);
});

test('an event that is not counted, counted twice or counted for somebody else is found', (t) => {
  const told = checkout('ABDCEF');
  const with9 = { ...clockOf(told, 'F'), suggestions: 9 };
  t.true(
    causalFaults({ ...changed(told, 'F', { clock: with9 }), clock: with9 }).includes(
      'suggestions counted its events as 9',
    ),
  );
  const strange = { ...clockOf(told, 'F'), warehouse: 1 };
  t.true(
    causalFaults({ ...changed(told, 'F', { clock: strange }), clock: strange }).includes(
      'the clock of F counts somebody else',
    ),
  );
  const twice = { ...told, events: [...told.events, told.events[0]!] };
  t.true(causalFaults(twice).includes('verification counted its events as 1, 2, 3, 1'));
});

test('a final clock that does not know of an event is found', (t) => {
  const told = checkout('ABDCEF');
  t.deepEqual(causalFaults({ ...told, clock: clockOf(told, 'E') }), ['the final clock does not know of F']);
  t.deepEqual(causalFaults({ ...told, clock: merge(told.clock, { fraud: 9 }) }), []);
});

test('what happened after a rejection that it knows of is found; what ran beside it is not', (t) => {
  const told = checkout('ABDCE');
  const rejected = changed(told, 'D', { outcome: 'rejected' });
  t.deepEqual(
    causalFaults(rejected).filter((one) => one.includes('was rejected')),
    ['C happened after D was rejected', 'E happened after D was rejected'],
  );
  const beside = checkout('ABDC', 'partial');
  t.deepEqual(causalFaults(beside), []);
});

test('a decision that does not follow from the events is found', (t) => {
  const told = checkout('ABDCEF');
  const { decision } = checkout('ABDC') as Pick<CheckoutState, 'decision'>;
  t.deepEqual(causalFaults({ ...told, decision: decision! }), ['it was rejected at C, which is not among its events']);
  const approved = { status: 'approved', suggestions: [], at: 9 } as const;
  t.deepEqual(causalFaults({ ...checkout('ABDC'), decision: approved }), [
    'it was approved without C',
    'it was approved without E',
    'it was approved without F',
  ]);
});

test('data that a service keeps of a checkout that is over are found', (t) => {
  const kept = (status: 'open' | 'cleared', isOver: boolean | undefined): readonly string[] => {
    const tally = causalAudit('fraud_checks').begin('fraud');
    tally.add({ about: 'o', row: { orderId: 'o', status } });
    const thing = { id: 'o', told: () => isOver } as unknown as AuditedThing;
    return tally.check(thing, { now: 0, hangingAfterMs: 0 }).map(({ check }) => check);
  };
  t.deepEqual(kept('open', true), ['kept']);
  for (const isOver of [false, undefined]) t.deepEqual(kept('open', isOver), []);
  t.deepEqual(kept('cleared', true), []);
});
