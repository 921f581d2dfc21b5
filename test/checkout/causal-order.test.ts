/** CK-10 to CK-12, CK-15: clocks of events in both flows, triggers that come early, late, twice and in another order, and many checkouts at once. */
import test from 'ava';
import { checkoutTown } from './checkout-town.ts';
import { checkoutBody, goodCard, sealedPlainly } from '#test/support/checkouts.ts';
import { causalFaults } from '#services/checkout/causal-order.ts';
import type { OpenCausal } from '#services/causal-entity.ts';
import type { Happening, Letter } from '#services/checkout-flow.ts';
import type { EventView } from '#services/checkout/shapes.ts';
import * as fraud from '#services/fraud/contract.ts';
import * as suggestions from '#services/suggestions/contract.ts';
import * as verification from '#services/verification/contract.ts';
import { encode } from '#shared/bus/envelope.ts';
import { hash } from '#shared/bus/topology/topology.ts';
import type { CommandType } from '#shared/message.ts';
import { compare, covers } from '#shared/vector-clock.ts';

const byEvent = (events: readonly EventView[]) => Object.fromEntries(events.map((one) => [one.event, one.clock]));

test('in the chain the clocks rise from event to event', async (t) => {
  const town = await checkoutTown();
  const { body } = await town.checkOut(checkoutBody());
  const events = await town.eventsOf(body.checkoutId);
  t.is(events.map(({ event }) => event).join(' '), 'A B D C E F');
  for (const [place, { clock }] of events.entries())
    for (const before of events.slice(0, place)) t.is(compare(before.clock, clock), 'before');
  t.deepEqual(events.at(-1)!.clock, { verification: 3, fraud: 2, suggestions: 1 });
});

test('in the partial order what waits for nothing of each other is concurrent by its clocks', async (t) => {
  const town = await checkoutTown({ ports: { checkoutFlow: 'partial' } });
  const { body } = await town.checkOut(checkoutBody());
  t.is(body.status, 'approved', JSON.stringify(body));
  const clocks = byEvent(await town.eventsOf(body.checkoutId));
  t.is(compare(clocks['C']!, clocks['D']!), 'concurrent');
  for (const [before, after] of ['AC', 'BD', 'CE', 'DE', 'EF'].map((pair) => [...pair]))
    t.is(compare(clocks[before!]!, clocks[after!]!), 'before', `${before} ${after}`);
  await town.atRest(body.checkoutId);
  t.deepEqual(town.leftOf(body.checkoutId), ['queued']);
});

test('rejected while something ran beside it: what happened there is told, and cleared', async (t) => {
  const town = await checkoutTown({ ports: { checkoutFlow: 'partial' } });
  const { body } = await town.checkOut(checkoutBody({ creditCard: { ...goodCard, cvv: '' } }));
  t.like(body, { status: 'rejected', reason: { event: 'C' } });
  await town.atRest(body.checkoutId);
  t.deepEqual(town.leftOf(body.checkoutId), []);
  const state = town.stateOf(body.checkoutId)!;
  t.deepEqual('saga' in state ? causalFaults(state) : ['none'], []);
});

/** The triggers of an order as somebody may send them who knows nothing of what happened. */
async function strayTown(ports: object = {}) {
  const town = await checkoutTown({ ports: { ...ports } });
  let sent = 0;
  const put = <Body>(type: CommandType<Body>, body: Body): void => {
    sent += 1;
    const id = `stray-${sent}`;
    town.broker.put(hash(type.route), encode({ id, type: type.name, key: type.key(body), body, correlationId: id }));
  };
  return { ...town, put };
}
const asked = (orderId: string) => ({ orderId, flow: 'chain' as const, clock: {}, before: [] });
const user = { name: 'Alice', contact: 'alice@example.org' };

test('a trigger before its time is refused, counts nothing, and is told at the end', async (t) => {
  const exchanged = Promise.withResolvers<string>();
  const town = await strayTown({ tokenizer: { tokenOf: () => exchanged.promise } });
  const slow = town.door.ask<{ checkoutId: string }>('POST', '/v1/checkouts', { body: checkoutBody(), as: 'alice' });
  await town.clock.until(() => town.homes.get('checkout')!.store.documents.size > 0, 2000);
  const [orderId = ''] = town.homes.get('checkout')!.store.documents.keys();
  const { fraud: card } = await sealedPlainly(goodCard);
  for (let copy = 0; copy < 2; copy += 1) {
    town.put(fraud.checkCard, { ...asked(orderId), card, pieces: 1 });
    town.put(suggestions.find, { ...asked(orderId), skus: [] });
  }
  await town.clock.settle();
  exchanged.resolve('pm_ok');
  const { body } = await town.clock.during(slow);
  t.like(body, { status: 'approved' });
  await town.atRest(orderId);
  const events = await town.eventsOf(orderId);
  const refused = events.filter(({ outcome }) => outcome === 'refused');
  t.deepEqual(refused.map(({ event, reason }) => `${event} ${reason!.code}`).toSorted(), [
    'E too_early',
    'F too_early',
  ]);
  const happened = events.filter(({ outcome }) => outcome !== 'refused');
  t.is(happened.map(({ event }) => event).join(' '), 'A B D C E F');
  t.deepEqual(happened.at(-1)!.clock, { verification: 3, fraud: 2, suggestions: 1 });
  t.deepEqual(town.leftOf(orderId), ['queued']);
});

test('a trigger whose clock covers less than what must have happened first is too early', async (t) => {
  const town = await strayTown();
  const before = [{ event: 'B', clock: { verification: 2 } }] as const;
  town.put(fraud.checkUser, { ...asked('o'), clock: { verification: 1 }, before, user, pieces: 1 });
  await town.clock.advance(1000);
  t.like(town.state('fraud', 'o'), { clock: {}, events: [], early: [{ event: 'D', outcome: 'refused' }] });
  town.put(fraud.checkUser, { ...asked('o'), clock: { verification: 2 }, before, user, pieces: 1 });
  await town.clock.advance(1000);
  t.like(town.state('fraud', 'o'), { clock: { verification: 2, fraud: 1 } });
});

test('a trigger that tells of an event which its own service has not done, or has rejected, is too early, whatever clock it brings', async (t) => {
  const town = await strayTown();
  const { billingAddress, termsAccepted } = checkoutBody();
  const clock = { verification: 5, fraud: 5 };
  const afterA = { ...asked('o'), clock, before: [{ event: 'A', clock }] as const };
  town.put(verification.checkUser, { ...afterA, user, billingAddress, termsAccepted });
  await town.clock.advance(1000);
  t.like(town.state('verification', 'o'), { clock: {}, events: [], early: [{ event: 'B', outcome: 'refused' }] });
  town.put(verification.checkItems, { ...asked('o'), items: [] });
  await town.clock.advance(1000);
  const told = { clock: { verification: 1 }, before: [{ event: 'A', clock: { verification: 1 } }] as const };
  town.put(verification.checkUser, { ...asked('o'), ...told, user, billingAddress, termsAccepted });
  await town.clock.advance(1000);
  const { events } = town.state<{ events: readonly { event: string; outcome: string }[] }>('verification', 'o')!;
  t.deepEqual(
    events.map(({ event, outcome }) => `${event} ${outcome}`),
    ['A rejected'],
  );
});

test('a trigger that names an event before it without a count of it is too early', async (t) => {
  const town = await strayTown();
  for (const clock of [{}, { verification: 0 }, { fraud: 3 }]) {
    const before = [{ event: 'B', clock }] as const;
    town.put(fraud.checkUser, { ...asked('o'), clock, before, user, pieces: 1 });
  }
  await town.clock.advance(1000);
  t.like(town.state('fraud', 'o'), { clock: {}, events: [] });
});

test('the same event twice under another id changes nothing; after the end it is refused', async (t) => {
  const town = await strayTown();
  const items = [{ sku: 'book', quantity: 1 }];
  town.put(verification.checkItems, { ...asked('o'), items });
  await town.clock.advance(1000);
  const once = town.state('verification', 'o');
  town.put(verification.checkItems, { ...asked('o'), items: [] });
  await town.clock.advance(1000);
  t.deepEqual(town.state('verification', 'o'), once);
  t.like(once, { clock: { verification: 1 } });
  town.put(verification.clear, { orderId: 'o', clock: {} });
  await town.clock.advance(1000);
  t.deepEqual(town.state('verification', 'o'), once, 'its clock is ahead of the final one: it is kept, and reported');
  town.put(verification.clear, { orderId: 'o', clock: { verification: 1, fraud: 7 } });
  await town.clock.advance(1000);
  t.like(town.state('verification', 'o'), { status: 'cleared' });
  town.put(verification.checkItems, { ...asked('o'), items });
  await town.clock.advance(1000);
  t.like(town.state('verification', 'o'), { status: 'cleared' });
});

test('A and B by one request are two events, each counted once; after a rejected one nothing happens', async (t) => {
  const town = await strayTown();
  const { billingAddress, termsAccepted, items } = checkoutBody();
  const form = { billingAddress, termsAccepted, items, user };
  const events = (orderId: string): readonly string[] => {
    const { events, early } = town.state<OpenCausal>('verification', orderId)!;
    return [...events, ...early].map(({ event, outcome, clock }) => `${event} ${outcome} ${clock['verification']}`);
  };
  town.put(verification.checkForm, { ...asked('both'), ...form });
  town.put(verification.checkForm, { ...asked('both'), ...form, items: [] });
  town.put(verification.checkForm, { ...asked('no A'), ...form, items: [], termsAccepted: false });
  town.put(verification.checkForm, { ...asked('no B'), ...form, termsAccepted: false });
  town.put(verification.checkItems, { ...asked('A before'), items });
  town.put(verification.checkForm, { ...asked('A before'), ...form });
  await town.clock.advance(1000);
  t.deepEqual(['both', 'no A', 'no B', 'A before'].map(events), [
    ['A passed 1', 'B passed 2'],
    ['A rejected 1'],
    ['A passed 1', 'B rejected 2'],
    ['A passed 1', 'B passed 2'],
  ]);
});

test('a checkout that began when A and B had requests of their own goes on that way', async (t) => {
  const town = await checkoutTown({ ports: { isRunByAll: (label: string) => label !== 'checkout-chain@2' } });
  const { body } = await town.checkOut(checkoutBody());
  t.is(body.status, 'approved');
  const state = town.stateOf(body.checkoutId)!;
  t.like('saga' in state && state.saga, { definition: { name: 'checkout-chain', version: 1 } });
  t.is((await town.eventsOf(body.checkoutId)).map(({ event }) => event).join(' '), 'A B D C E F');
});

test('at the end a service tells what came too early and what is not known, and no more', async (t) => {
  const town = await strayTown();
  const items = [{ sku: 'book', quantity: 1 }];
  const { verification: card } = await sealedPlainly(goodCard);
  const told = async (orderId: string, known?: readonly Letter[]): Promise<readonly string[]> => {
    town.put(verification.checkItems, { ...asked(orderId), items });
    town.put(verification.checkCard, { ...asked(orderId), card });
    await town.clock.advance(1000);
    town.put(verification.clear, { orderId, clock: { verification: 1 }, ...(known && { known }) });
    await town.clock.advance(1000);
    const { handled } = town.homes.get('verification')!.store.documents.get(orderId)!;
    const { happenings } = handled.at(-1)!.answer!.body as { readonly happenings: readonly Happening[] };
    return happenings.map(({ event, outcome }) => `${event} ${outcome}`);
  };
  t.deepEqual(await told('one', ['A']), ['C refused']);
  t.deepEqual(await told('other', ['B']), ['A passed', 'C refused']);
  t.deepEqual(await told('third'), ['A passed', 'C refused'], 'nobody says what is known');
});

test('fifty at once, half of them rejected: each clock is of its own order alone, and each approved one is queued once', async (t) => {
  const town = await checkoutTown();
  const all = Array.from({ length: 50 }, (_, place) =>
    town.door.ask<{ checkoutId: string; status: string }>('POST', '/v1/checkouts', {
      body: checkoutBody({ customerId: `customer-${place}`, ...(place % 2 === 1 && { termsAccepted: false }) }),
      as: `customer-${place}`,
    }),
  );
  const answers = await town.clock.during(Promise.all(all));
  t.is(new Set(answers.map(({ body }) => body.checkoutId)).size, 50);
  for (const [place, { body }] of answers.entries()) {
    t.is(body.status, place % 2 === 1 ? 'rejected' : 'approved');
    await town.atRest(body.checkoutId);
    const events = await town.eventsOf(body.checkoutId);
    const final = { verification: 3, fraud: 2, suggestions: 1 };
    t.true(events.every(({ clock }) => covers(final, clock)));
    t.is(events.length, place % 2 === 1 ? 2 : 6);
    t.deepEqual(town.leftOf(body.checkoutId), place % 2 === 1 ? [] : ['queued']);
  }
});
