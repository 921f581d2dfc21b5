import { z } from 'zod';
import { startWarehouse } from './warehouse.ts';
import { systemClock } from '#shared/clock.ts';
import { readConfig } from '#shared/host/config.ts';
import { createLog } from '#shared/log.ts';
import { fraction, oneOf, wholeNumber } from '#shared/variable-kinds.ts';

const config = readConfig(
  {
    HTTP_HOST: z.string().default('127.0.0.1'),
    HTTP_PORT: wholeNumber(0, 65_535).default(0),
    WAREHOUSE_LATENCY_MS: wholeNumber(0, 60_000).default(0),
    /** This share of the calls is answered 503: `1/20`. */
    WAREHOUSE_5XX: fraction().default({ numerator: 0, denominator: 1 }),
    WAREHOUSE_SEED: wholeNumber(0, 0xffff_ffff).default(1),
    LOG_LEVEL: oneOf(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  },
  process.env,
);
const log = createLog('warehouse', config.LOG_LEVEL);
const warehouse = await startWarehouse({
  host: config.HTTP_HOST,
  port: config.HTTP_PORT,
  settings: {
    latencyMs: config.WAREHOUSE_LATENCY_MS,
    failureRate: config.WAREHOUSE_5XX,
    seed: config.WAREHOUSE_SEED,
  },
  clock: systemClock,
  log,
});
log.info('ready', { url: warehouse.url });

const stop = (): void => void warehouse.close().then(() => process.exit(0));
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
