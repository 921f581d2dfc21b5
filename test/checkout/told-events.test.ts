/** What is told of the events of a checkout: each with whose it is, its clock and when; and as a log that ShiViz reads. */
import test from 'ava';
import { checkoutTown } from './checkout-town.ts';
import { checkoutBody, goodCard } from '#test/support/checkouts.ts';
import { askedFor } from '#services/checkout/data.ts';
import { chain, eventsOf, partial, steps } from '#services/checkout/place-checkout.ts';
import { type Flow, flows, type Letter, letters, ownerOf } from '#services/checkout-flow.ts';
import type { CheckoutView } from '#services/checkout/shapes.ts';
import { shivizLog, shownEvent } from '#services/checkout/view.ts';
import { compare, type VectorClock } from '#shared/vector-clock.ts';

/** The expression of the page on checkouts; ShiViz applies it all over the log. */
const SHIVIZ = /(?<host>\S*) (?<clock>{.*})\n(?<event>.*)/g;

/** As ShiViz reads a log: it refuses one in which a host's own count does not go up by one, or an event has no count of its own. */
function drawn(log: string) {
  const counts = new Map<string, number>();
  return [...log.matchAll(SHIVIZ)].map(({ groups }) => {
    const { host = '', event = '' } = groups!;
    const clock = JSON.parse(groups!['clock']!) as VectorClock;
    const own = (counts.get(host) ?? 0) + 1;
    if (clock[host] !== own) throw new Error(`${host} counts ${clock[host]} where ${own} is due`);
    counts.set(host, own);
    return { host, clock, event };
  });
}

async function told(changes: object = {}, flow: Flow = 'chain') {
  const town = await checkoutTown({ ports: { checkoutFlow: flow } });
  const startedAt = town.clock.now();
  const { body } = await town.checkOut(checkoutBody(changes));
  await town.atRest(body.checkoutId);
  const events = await town.eventsOf(body.checkoutId);
  const log = await town.door.answered<string>('GET', `/v1/checkouts/${body.checkoutId}/shiviz.log`);
  return { body, events, log, span: [startedAt, town.clock.now()] as const };
}

for (const flow of ['chain', 'partial'] as const)
  for (const [title, changes] of [
    ['approved', {}],
    ['rejected at C', { creditCard: { ...goodCard, cvv: '' } }],
    ['rejected at A', { items: [] }],
  ] as const)
    test(`${flow}, ${title}: every event is told with its service, clock and time, and ShiViz draws each`, async (t) => {
      const { body, events, log, span } = await told(changes, flow);
      t.is(log.status, 200);
      for (const { event, service, outcome, clock, at, reason } of events) {
        t.is(service, ownerOf[event]);
        t.deepEqual(Object.keys(clock).toSorted(), ['fraud', 'suggestions', 'verification']);
        t.true(Date.parse(at) >= span[0] && Date.parse(at) <= span[1], at);
        t.is(at, new Date(Date.parse(at)).toISOString());
        t.deepEqual(reason, outcome === 'passed' ? undefined : body.reason);
      }
      const seen = drawn(log.body);
      t.is(seen.length, events.length);
      for (const { event, service, outcome, clock, reason } of events) {
        const one = seen.find((line) => line.event.startsWith(`${event} `))!;
        t.is(one.event, reason === undefined ? `${event} ${outcome}` : `${event} ${outcome} ${reason.code}`);
        t.is(one.host, service);
        t.is(compare(one.clock, clock), 'equal');
        t.true(
          Object.values(one.clock).every((count) => count > 0),
          'who counted nothing is no host',
        );
      }
      t.is(log.body.replaceAll(SHIVIZ, '').trim(), '', 'nothing else is in it');
    });

test('what came too early is told, and not drawn: it is no event of its service', (t) => {
  const passed = { event: 'A', outcome: 'passed', clock: { verification: 1 }, at: 0 } as const;
  const refused = { event: 'E', outcome: 'refused', clock: {}, at: 0 } as const;
  t.is(shivizLog([refused, passed, refused]), 'verification {"verification":1}\nA passed\n');
  t.like(shownEvent(refused), { event: 'E', outcome: 'refused', clock: { verification: 0, fraud: 0, suggestions: 0 } });
});

test('the chain is A, B, D, C, E, F; in the partial order A and B wait for nobody, C for A, D for B, E for both, F for E', (t) => {
  t.deepEqual(flows, {
    chain: { A: [], B: ['A'], D: ['B'], C: ['D'], E: ['C'], F: ['E'] },
    partial: { A: [], B: [], C: ['A'], D: ['B'], E: ['C', 'D'], F: ['E'] },
  });
  for (const [flow, { steps: defined }] of Object.entries({ chain, partial }))
    for (const step of defined.filter(({ name }) => eventsOf.has(name))) {
      const own = eventsOf.get(step.name)!;
      const first = own.flatMap((event): readonly Letter[] => flows[flow as Flow][event]);
      const others = first.filter((letter) => !own.includes(letter));
      const before = others.map((letter) => defined.find(({ name }) => eventsOf.get(name)?.includes(letter))!.name);
      const after = step.kind === 'command' ? step.after : [];
      t.deepEqual(after, before.length === 0 ? ['begin-checkout'] : before, `${flow} ${step.name}`);
      for (const [place, event] of own.entries())
        t.deepEqual(own.slice(0, place), place === 0 ? [] : flows.chain[event]);
    }
  const asked = chain.steps.flatMap(({ name }) => eventsOf.get(name) ?? []);
  t.is(asked.join(' '), 'A B D C E F');
});

test('a request for an event tells of no more than what must have happened before it, and carries the card that is sealed for its service', (t) => {
  const clocks = Object.fromEntries(letters.map((letter, n) => [letter, { [ownerOf[letter]]: n + 1 }]));
  for (const flow of ['chain', 'partial'] as const)
    for (const event of letters) {
      const asked = askedFor(event, { orderId: 'o', flow, clocks } as never);
      const before: readonly string[] = flows[flow][event];
      t.deepEqual(
        asked.before.map((one) => one.event),
        before as never,
      );
      const known: Record<string, number> = {};
      for (const one of before)
        known[ownerOf[one as 'A']] = Math.max(known[ownerOf[one as 'A']] ?? 0, clocks[one]![ownerOf[one as 'A']]!);
      t.deepEqual(asked.clock, known, `${flow} ${event}`);
    }
  const data = { orderId: 'o', flow: 'chain', clocks: {}, items: [], cards: { verification: 'of C', fraud: 'of E' } };
  const bodyOf = (letter: 'C' | 'E') => steps[letter].bodyOf(data as never, {} as never, 0);
  t.like(bodyOf('C'), { card: 'of C' });
  t.like(bodyOf('E'), { card: 'of E' });
});

test('none waits for another: while one is held up at the provider all others are decided', async (t) => {
  const held = Promise.withResolvers<string>();
  const tokenOf = ({ number }: { readonly number: string }) =>
    number.startsWith('5') ? held.promise : Promise.resolve('pm_ok');
  const town = await checkoutTown({ ports: { tokenizer: { tokenOf } } });
  const creditCard = { ...goodCard, number: '5555 5555 5555 4444' };
  const slow = town.door.ask<CheckoutView>('POST', '/v1/checkouts', {
    body: checkoutBody({ creditCard }),
    as: 'alice',
  });
  await town.clock.until(() => town.homes.get('fraud')!.store.documents.size > 0, 2000);
  const since = town.clock.now();
  const others = Array.from({ length: 20 }, (_, n) =>
    town.door.ask<CheckoutView>('POST', '/v1/checkouts', { body: checkoutBody({ customerId: `c${n}` }), as: `c${n}` }),
  );
  const answers = await town.clock.during(Promise.all(others));
  t.deepEqual(
    answers.map(({ status, body }) => `${status} ${body.status}`),
    others.map(() => '201 approved'),
  );
  t.true(town.clock.now() - since < 1000, `${town.clock.now() - since} ms`);
  held.resolve('pm_ok');
  const { status } = await town.clock.during(slow);
  t.true([201, 202].includes(status));
});

test('the same basket is suggested the same, to whomever and under whatever id', async (t) => {
  const { alike } = {
    alike: async () => ['tea', 'pen', 'ink', 'cup'].map((sku) => ({ sku, name: sku.toUpperCase() })),
  };
  const { checkOut } = await checkoutTown({ ports: { alike } });
  for (let n = 0; n < 8; n += 1) {
    const { body } = await checkOut(checkoutBody({ customerId: `c${n}` }));
    t.deepEqual(body.suggestions, [
      { sku: 'tea', name: 'TEA' },
      { sku: 'pen', name: 'PEN' },
      { sku: 'ink', name: 'INK' },
    ]);
  }
});

test('under one key another card is another request; the same card is the same, however it is written', async (t) => {
  const town = await checkoutTown();
  const ask = (creditCard: object) => town.checkOut(checkoutBody({ creditCard }), 'k');
  const first = await ask(goodCard);
  t.is(first.status, 201);
  t.deepEqual((await ask({ ...goodCard, number: '4242-4242-4242-4242' })).body, first.body);
  t.is((await ask({ ...goodCard, number: '5555 5555 5555 4444' })).status, 422);
  t.is((await ask({ ...goodCard, expirationDate: '11/40' })).status, 422);
});
