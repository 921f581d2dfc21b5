import test from 'ava';
import { type Found, offersReader } from '#services/pricing/offers.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

const product = (sku: string) => ({ supermarketId: 'north', sku });
const none: Found = { pricing: new Map(), catalogue: new Map() };

test('a read of which nothing comes back fails for those who waited for it, and the next ones are read', async (t) => {
  const clock = createVirtualClock();
  const reads: (readonly string[])[] = [];
  const price = { amount: 311, currency: 'EUR' } as const;
  const readOffer = offersReader(clock, async (_keys, skus) => {
    reads.push(skus);
    if (reads.length === 1) return new Promise<Found>(() => {});
    return { ...none, catalogue: new Map([['SR1', { price }]]) };
  });
  const lost = t.throwsAsync(readOffer(product('GR1')), { message: /no answer within/ });
  const behind = readOffer(product('SR1'));
  await clock.during(lost);
  t.deepEqual(await clock.during(behind), { price, strategy: undefined });
  t.deepEqual(reads, [['GR1'], ['SR1']]);
});

test('those who ask while something is being read share the next read', async (t) => {
  const clock = createVirtualClock();
  const reads: (readonly string[])[] = [];
  const readOffer = offersReader(clock, async (_keys, skus) => {
    reads.push(skus);
    await clock.sleep(100);
    return none;
  });
  await clock.during(Promise.all(['A', 'B', 'C', 'B'].map((sku) => readOffer(product(sku)))));
  t.deepEqual(reads, [['A'], ['B', 'C']]);
});
