import test from 'ava';
import { offersReader, type StoredOffers } from '#services/pricing/offers.ts';
import type { Clock } from '#shared/clock.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

const product = (sku: string) => ({ supermarketId: 'north', sku });
const price = { amount: 311, currency: 'EUR' } as const;
const nothing = async () => new Map<string, never>();

/** A reader of what only the catalogue has, and the SKUs of each read there. */
function readerOf(clock: Clock, catalogue: () => ReturnType<StoredOffers['catalogue']>) {
  const reads: (readonly string[])[] = [];
  const readOffer = offersReader(clock, {
    pricing: nothing,
    async catalogue(skus) {
      reads.push(skus);
      return catalogue();
    },
  });
  return { reads, readOffer };
}

test('a read of which nothing comes back fails for those who waited for it, and the next ones are read', async (t) => {
  const clock = createVirtualClock();
  const { reads, readOffer } = readerOf(clock, async () =>
    reads.length === 1 ? new Promise(() => {}) : new Map([['SR1', { price }]]),
  );
  const lost = t.throwsAsync(readOffer(product('GR1')), { message: /no answer within/ });
  await clock.during(clock.sleep(1));
  const behind = readOffer(product('SR1'));
  await clock.during(lost);
  t.deepEqual(await clock.during(behind), { price, strategy: undefined });
  t.deepEqual(reads, [['GR1'], ['SR1']]);
});

test('those who ask in one turn share a read, and those who ask while something is being read the next one', async (t) => {
  const clock = createVirtualClock();
  const { reads, readOffer } = readerOf(clock, async () => {
    await clock.sleep(100);
    return new Map();
  });
  const first = ['A', 'B'].map((sku) => readOffer(product(sku)));
  const later = ['B', 'C', 'B'].map(async (sku) => {
    await clock.sleep(50);
    return readOffer(product(sku));
  });
  await clock.during(Promise.all([...first, ...later]));
  t.deepEqual(reads, [
    ['A', 'B'],
    ['B', 'C'],
  ]);
});

test('the catalogue is asked for what has no price of its own, and for nothing else', async (t) => {
  const clock = createVirtualClock();
  const reads: (readonly string[])[] = [];
  const own = { supermarketId: 'north', sku: 'GR1', price, versions: [] };
  const readOffer = offersReader(clock, {
    pricing: async () => new Map([['north/GR1', own]]),
    async catalogue(skus) {
      reads.push(skus);
      return new Map([['SR1', { price: { ...price, amount: 500 } }]]);
    },
  });
  const [green, straw, south] = await clock.during(
    Promise.all([product('GR1'), product('SR1'), { supermarketId: 'south', sku: 'GR1' }].map(readOffer)),
  );
  t.deepEqual([green?.price?.amount, straw?.price?.amount, south?.price], [311, 500, undefined]);
  t.deepEqual(reads, [['SR1', 'GR1']]);
  await clock.during(readOffer(product('GR1')));
  t.is(reads.length, 1);
});
