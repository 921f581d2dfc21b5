import { hotSku } from './hot-sku.ts';
import type { Arm } from '#bench/arm.ts';
import { median, quantile } from '#bench/statistics.ts';

const ROUNDS = 2;
const ORDERS_PER_S = 25;
const IN_FLIGHT = 200;
/** The least that one SKU has to bear. */
const RESERVATIONS_PER_S = 500;

/** What one SKU that everybody wants can do, and what that does to orders of others. */
export const hotSkuArm: Arm = {
  name: 'hot-sku',
  title: 'one SKU that everybody wants',
  group: 'stock',
  async run({ world, round, settings }) {
    const name = `hot-sku-${round}`;
    const amqpUrl = await world.vhost(name);
    const database = await world.database(name);
    try {
      const { perS, latencies } = await hotSku({
        amqpUrl,
        mongoUrl: `${database.url}/bench`,
        rounds: ROUNDS,
        sliceS: settings.seconds,
        ordersPerS: ORDERS_PER_S,
        inFlight: IN_FLIGHT,
        reservationsPerS: RESERVATIONS_PER_S,
      });
      const ofOrders = (those: readonly number[]) => ({ p50Ms: quantile(those, 0.5), p99Ms: quantile(those, 0.99) });
      return [
        { of: 'reservations alone', values: { perS: median(perS.hot) } },
        { of: 'orders of others alone', values: ofOrders(latencies.others) },
        { of: 'both', values: { perS: median(perS.both), ...ofOrders(latencies.both) } },
        {
          of: 'orders of others, as many reservations of 500 SKUs',
          values: { perS: median(perS.spread), ...ofOrders(latencies.spread) },
        },
      ];
    } finally {
      await database.stop();
    }
  },
};
