/** CK-11: whatever happens to the triggers of a checkout on their way, the recorded order is one that its flow allows, and nothing counts twice. */
import test from 'ava';
import { checkoutTown } from './checkout-town.ts';
import { checkoutBody, goodCard, sealedPlainly } from '#test/support/checkouts.ts';
import { seeded } from '#local/stand-ins/misbehaviour.ts';
import { causalFaults } from '#services/checkout/causal-order.ts';
import { type Flow, type Letter, letters, ownerOf } from '#services/checkout-flow.ts';
import { checkoutEntity, type CheckoutOptions } from '#services/checkout/checkout.ts';
import { steps } from '#services/checkout/place-checkout.ts';
import { checkForm } from '#services/verification/contract.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { hash } from '#shared/bus/topology/topology.ts';
import type { Entity } from '#shared/entity/entity.ts';
import { silentLog } from '#shared/log.ts';

const FINAL = { verification: 3, fraud: 2, suggestions: 1 };
const triggers = new Map<string, string>(
  [...letters.map((letter) => steps[letter].command), checkForm].map(({ name, route }) => [name, route]),
);

/** A trigger as somebody may send it who knows nothing of what happened; what it is about fits. */
async function stray(letter: Letter, orderId: string, flow: Flow, id: string): Promise<Packet> {
  const { user, billingAddress, termsAccepted, items } = checkoutBody();
  const cards = await sealedPlainly(goodCard);
  const about = { user, billingAddress, termsAccepted, items, skus: ['book'], pieces: 1 };
  const card = ownerOf[letter] === 'fraud' ? cards.fraud : cards.verification;
  const body = { orderId, flow, clock: {}, before: [], ...about, card };
  return encode({ id, type: steps[letter].command.name, key: orderId, body, correlationId: orderId });
}

for (const flow of ['chain', 'partial'] as const)
  for (const seed of [1, 2, 3, 4])
    for (const isRejected of [false, true])
      test(`${flow}, seed ${seed}, ${isRejected ? 'rejected at C' : 'approved'}: early, late, twice and out of order`, async (t) => {
        const random = seeded(seed);
        const seen: Packet[] = [];
        const town = await checkoutTown({ seed, ports: { checkoutFlow: flow } });
        town.broker.inject({
          copies(_queue, packet) {
            if (packet.type === undefined || !triggers.has(packet.type)) return 1;
            seen.push(packet);
            return random() < 0.5 ? 2 : 1;
          },
          latencyMs: () => Math.floor(random() * 40),
        });
        let puts = 0;
        const put = (packet: Packet): void => {
          town.broker.put(hash(triggers.get(packet.type!)!), { ...packet, messageId: `stray-${(puts += 1)}` });
        };
        const form = checkoutBody(isRejected ? { creditCard: { ...goodCard, cvv: '' } } : {});
        const asked = town.door.ask<{ checkoutId: string; status: string }>('POST', '/v1/checkouts', {
          body: form,
          as: 'alice',
        });
        await town.clock.until(() => town.homes.get('checkout')!.store.documents.size > 0, 2000);
        const [orderId = ''] = town.homes.get('checkout')!.store.documents.keys();
        for (let turn = 0; turn < 12; turn += 1) {
          const letter = letters[Math.floor(random() * letters.length)]!;
          put(await stray(letter, orderId, flow, 'early'));
          const late = seen[Math.floor(random() * seen.length)];
          if (late !== undefined) put(late);
          await town.clock.advance(Math.floor(random() * 60));
        }
        const { body } = await town.clock.during(asked);
        t.is(body.status, isRejected ? 'rejected' : 'approved', JSON.stringify(body));
        await town.atRest(orderId);
        for (const late of seen.splice(0)) put(late);
        await town.clock.advance(3000);

        const state = town.stateOf(orderId)!;
        if (!('saga' in state)) return t.fail();
        t.deepEqual(causalFaults(state), []);
        const happened = state.events.filter(({ outcome }) => outcome !== 'refused');
        t.is(new Set(happened.map(({ event }) => event)).size, happened.length, 'each event once');
        if (!isRejected) t.deepEqual(state.clock, FINAL, 'one tick an event, however often it was triggered');
        t.true(state.events.some(({ reason }) => reason?.code === 'too_early'));
        t.deepEqual(town.leftOf(orderId), isRejected ? [] : ['queued']);
        return undefined;
      });

test('a service whose clock is ahead of the final one reports it, keeps its data meanwhile, and clears by the clock that knows', async (t) => {
  const told: { readonly text: string; readonly fields?: object }[] = [];
  const log = { ...silentLog, warn: (text: string, fields: object = {}) => void told.push({ text, fields }) };
  const town = await checkoutTown({
    ports: { checkoutFlow: 'partial' },
    entities: {
      checkout: (ports) => checkoutEntity({ ...(ports as unknown as CheckoutOptions), log }) as Entity<unknown>,
    },
  });
  const kept: boolean[] = [];
  // The fraud service is slow to answer D: C rejects meanwhile, and the first final clock does not know of D.
  await town.fault('fraud', { latencyMs: 500 });
  const { body } = await town.checkOut(checkoutBody({ creditCard: { ...goodCard, cvv: '' } }));
  t.like(body, { status: 'rejected', reason: { event: 'C' } });
  await town.clock.until(() => {
    kept.push(town.leftOf(body.checkoutId).includes('fraud'));
    return told.length > 0;
  }, 5000);
  const report = {
    text: 'more happened than the final clock knew of',
    fields: { checkoutId: body.checkoutId, service: 'fraud' },
  };
  t.like(told, [report]);
  t.true(kept.includes(true));
  await town.atRest(body.checkoutId);
  t.deepEqual(town.leftOf(body.checkoutId), []);
  const events = await town.eventsOf(body.checkoutId);
  t.true(
    events.some(({ event, outcome }) => event === 'D' && outcome === 'passed'),
    'what was ahead is told',
  );
});
