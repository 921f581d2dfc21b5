/** Whoever is told that nothing is left of a checkout may buy the same again under another key: whatever fails meanwhile, it is bought once at most, and every checkout that anybody was told of is decided in the end. */
import test from 'ava';
import { type CheckoutTown, checkoutTown } from './checkout-town.ts';
import { checkoutBody } from '#test/support/checkouts.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';
import type { CheckoutView } from '#services/checkout/shapes.ts';

const SEEDS = 20;
const CUSTOMERS = 6;
/** Shorter than messages live: what expired would wait for a breaker, and the town has none. */
const LONGEST_OUTAGE_MS = 5000;
const SERVICES = ['checkout', 'verification', 'fraud', 'suggestions'] as const;

interface Buyer {
  readonly customerId: string;
  /** The statuses that it was told, in their order. */
  readonly told: number[];
  /** The checkouts that it was told of. */
  readonly ids: Set<string>;
}

const randomOf = (seed: number) => {
  const { random } = createVirtualClock(seed);
  return (from: number, to: number): number => from + Math.floor(random() * (to - from + 1));
};

/** Takes another key only when it is told for certain that nothing was bought; until it is told what was decided. */
async function buy(town: CheckoutTown, { customerId, told, ids }: Buyer): Promise<void> {
  let key = 1;
  for (let tries = 0; tries < 60; tries += 1) {
    const { status, body } = await town.door.ask<Partial<CheckoutView>>('POST', '/v1/checkouts', {
      body: checkoutBody({ customerId }),
      as: customerId,
      key: `${customerId}-${key}`,
    });
    told.push(status);
    if (body.checkoutId !== undefined) ids.add(body.checkoutId);
    if (status === 201) return;
    if (status === 503) key += 1;
    await town.clock.sleep(1500);
  }
}

function queuedOf(town: CheckoutTown, customerId: string): number {
  const entries = [...town.homes.get('executor')!.store.documents.values()];
  return entries.filter(({ state }) => JSON.stringify(state).includes(`"customerId":"${customerId}"`)).length;
}

for (let seed = 1; seed <= SEEDS; seed += 1)
  test(`seed ${seed}: services, and the door, go and come while six buy`, async (t) => {
    const between = randomOf(seed);
    const slowestMs = between(0, 1) * between(500, 2500);
    const gone = new Set<string>();
    const town = await checkoutTown({
      seed,
      // Some documents are written when the answer is already due.
      commitMs: () => (between(1, 10) === 1 ? between(0, slowestMs) : 0),
      isSilent: (route) => gone.has(route),
    });
    for (let outage = between(4, 12); outage > 0; outage -= 1) {
      // As often the door as all the others: what it asks for last must not be lost either.
      const name = between(0, 1) === 0 ? 'gateway' : SERVICES[between(0, SERVICES.length - 1)]!;
      const [at, lastsMs, unheardMs] = [between(0, 8000), between(50, LONGEST_OUTAGE_MS), between(0, 1000)];
      town.clock.after(at, () => town.broker.dropConnection(name, { stayDown: true }));
      town.clock.after(at + Math.min(unheardMs, lastsMs), () => gone.add(name));
      town.clock.after(at + lastsMs, () => {
        town.broker.restore(name);
        gone.delete(name);
      });
    }
    const buyers = Array.from({ length: CUSTOMERS }, (_, place): Buyer => ({
      customerId: `buyer-${place}`,
      told: [],
      ids: new Set(),
    }));
    const buying = buyers.map(async (buyer) => {
      await town.clock.sleep(between(0, 8000));
      await buy(town, buyer);
    });
    await town.clock.during(Promise.all(buying));
    await town.clock.advance(60_000);
    for (const { customerId, told, ids } of buyers) {
      t.is(told.at(-1), 201, `${customerId} was told ${told.join(', ')}`);
      t.is(queuedOf(town, customerId), 1, `${customerId} was told ${told.join(', ')}`);
      for (const id of ids) {
        const { body } = await town.door.answered<CheckoutView>('GET', `/v1/checkouts/${id}`, { as: customerId });
        t.true(
          ['approved', 'failed'].includes(body.status),
          `${customerId} is told for ever that ${id} is ${body.status}`,
        );
      }
    }
  });
