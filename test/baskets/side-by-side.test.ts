import test from 'ava';
import { BUY_ONE_GET_ONE, openMarket, type Priced } from './market.ts';
import { createScriptsInPlace } from '#services/pricing/scripts/scripts-in-place.ts';
import type { Scripts } from '#services/pricing/scripts/contract.ts';
import type { Clock } from '#shared/clock.ts';

test('slow lines take as long as the slowest, and one trace goes to each price server', async (t) => {
  const scripts = await createScriptsInPlace();
  let clock: Clock | undefined;
  const slow: Pick<Scripts, 'check' | 'call'> = {
    check: scripts.check,
    async call(strategy, cases) {
      await clock?.sleep(300);
      return scripts.call(strategy, cases);
    },
  };
  const traces = new Map<string, Set<string>>();
  const { town, priceIn, strategyIn, price } = await openMarket({
    ports: { scripts: slow },
    through: (bus, service) => ({
      ...bus,
      post(onReturned) {
        const post = bus.post(onReturned);
        return {
          ...post,
          send(exchange, packet, key) {
            for (const [, trace = ''] of packet.content.toString().matchAll(/00-([0-9a-f]{32})-/g))
              traces.set(service, (traces.get(service) ?? new Set()).add(`${exchange} ${trace}`));
            return post.send(exchange, packet, key);
          },
        };
      },
    }),
  });
  const skus = Array.from({ length: 10 }, (_, n) => `S${n}`);
  for (const sku of skus) {
    await priceIn('north', sku, 100);
    await strategyIn('north', sku, BUY_ONE_GET_ONE);
  }
  ({ clock } = town);
  const began = town.clock.now();
  const { body } = await price('north', 'alice', skus);
  const tookMs = town.clock.now() - began;
  t.is((body as Priced).total.amount, 1000);
  t.true(tookMs >= 300 && tookMs < 600, `${tookMs} ms`);
  t.deepEqual([...(traces.get('basket') ?? [])], [`pricing.ask ${'1'.repeat(32)}`]);
});
