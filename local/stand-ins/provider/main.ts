import { z } from 'zod';
import { startProvider } from './provider.ts';
import { systemClock } from '#shared/clock.ts';
import { readConfig } from '#shared/host/config.ts';
import { createLog } from '#shared/log.ts';

const config = readConfig(
  {
    HTTP_HOST: z.string().default('127.0.0.1'),
    HTTP_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
    PROVIDER_LATENCY_MS: z.coerce.number().int().min(0).default(0),
    PROVIDER_SPREAD_MS: z.coerce.number().int().min(0).max(60_000).default(0),
    /** A fraction: `1/10`. */
    PROVIDER_FAILURE_RATE: z
      .string()
      .regex(/^\d+\/[1-9]\d*$/)
      .default('0/1'),
    PROVIDER_SEED: z.coerce.number().int().min(0).max(0xffff_ffff).default(1),
    LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  },
  process.env,
);
const [numerator = 0, denominator = 1] = config.PROVIDER_FAILURE_RATE.split('/').map(Number);
const log = createLog('provider', config.LOG_LEVEL);
const provider = await startProvider({
  host: config.HTTP_HOST,
  port: config.HTTP_PORT,
  settings: {
    latencyMs: config.PROVIDER_LATENCY_MS,
    spreadMs: config.PROVIDER_SPREAD_MS,
    failureRate: { numerator, denominator },
    seed: config.PROVIDER_SEED,
  },
  clock: systemClock,
  log,
});
log.info('ready', { url: provider.url });

const stop = (): void => void provider.close().then(() => process.exit(0));
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
