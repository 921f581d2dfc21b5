import { z } from 'zod';
import { startProvider } from './provider.ts';
import { systemClock } from '#shared/clock.ts';
import { readConfig } from '#shared/host/config.ts';
import { createLog } from '#shared/log.ts';
import { fraction, oneOf, wholeNumber } from '#shared/variable-kinds.ts';

const config = readConfig(
  {
    HTTP_HOST: z.string().default('127.0.0.1'),
    HTTP_PORT: wholeNumber(0, 65_535).default(0),
    PROVIDER_LATENCY_MS: wholeNumber(0).default(0),
    PROVIDER_SPREAD_MS: wholeNumber(0, 60_000).default(0),
    /** A fraction: `1/10`. */
    PROVIDER_FAILURE_RATE: fraction().default({ numerator: 0, denominator: 1 }),
    PROVIDER_DECLINE_RATE: fraction().default({ numerator: 0, denominator: 1 }),
    PROVIDER_SEED: wholeNumber(0, 0xffff_ffff).default(1),
    LOG_LEVEL: oneOf(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  },
  process.env,
);
const log = createLog('provider', config.LOG_LEVEL);
const provider = await startProvider({
  host: config.HTTP_HOST,
  port: config.HTTP_PORT,
  settings: {
    latencyMs: config.PROVIDER_LATENCY_MS,
    spreadMs: config.PROVIDER_SPREAD_MS,
    failureRate: config.PROVIDER_FAILURE_RATE,
    declineRate: config.PROVIDER_DECLINE_RATE,
    seed: config.PROVIDER_SEED,
  },
  clock: systemClock,
  log,
});
log.info('ready', { url: provider.url });

const stop = (): void => void provider.close().then(() => process.exit(0));
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
