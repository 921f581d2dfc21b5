import { z } from 'zod';
import type { ConfigRule } from './config.ts';
import { brokerUrls } from '#shared/bus/amqp/broker-urls.ts';
import { ttlVariables } from '#shared/bus/topology/ttl.ts';

const isAmqpUrl = (text: string): boolean => z.url({ protocol: /^amqps?$/ }).safeParse(text).success;

/** What every service reads from its environment. Times in ms. */
export const processVariables = {
  /** The service's own broker user, with the vhost; of a cluster, one address for each node, separated by commas. */
  AMQP_URL: z.string().refine((text) => brokerUrls(text).every(isAmqpUrl), 'Invalid URL'),
  HTTP_HOST: z.string().default('127.0.0.1'),
  /** 0: any free port. */
  HTTP_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** How long a stop may take before what runs is given back to the broker. */
  DRAIN_MS: z.coerce.number().int().min(0).default(10_000),
} satisfies z.ZodRawShape;

/** A service that reads it gets a connection to the database; another one opens none. */
export const databaseVariables = {
  MONGO_URL: z.url({ protocol: /^mongodb(\+srv)?$/ }),
} satisfies z.ZodRawShape;

export const faultVariables = {
  /** Allows `PUT /v1/faults/{service}`; never in production. */
  FAULTS: z.enum(['on', 'off']).default('off'),
} satisfies z.ZodRawShape;

/** Read by workers, and by those who watch them. */
export const workerVariables = {
  /** The name of this process among the copies of its service: one at a time. Absent: the service's with a random end. */
  WORKER_ID: z
    .string()
    .regex(/^[\w.-]{1,100}$/, 'has other characters than letters, digits, dot, dash and underscore, or too many')
    .optional(),
  /** How often a worker says that it lives. */
  WORKER_HEARTBEAT_MS: z.coerce.number().int().min(50).default(1000),
  /** After this long without a word its partitions go to others. */
  WORKER_DEAD_AFTER_MS: z.coerce.number().int().min(250).default(5000),
} satisfies z.ZodRawShape;

/** What a service that runs an entity reads besides. */
export const entityVariables = {
  ...databaseVariables,
  ...faultVariables,
  ...workerVariables,
  ...ttlVariables,
  /** How many keys' handlers may be at work at once in this process; by default all of which there is a message. */
  WORKER_CONCURRENCY: z.coerce.number().int().min(1).default(Infinity),
  /** How long a message of a type that has no handler is kept and tried again: a newer version of the service may be on its way. */
  UNKNOWN_TYPE_MS: z.coerce.number().int().min(0).default(60_000),
  /** Every commit is written to this file as a line of JSON; for tests. */
  HISTORY_FILE: z.string().optional(),
  /** What ended so many days ago moves to the archive; 0: nothing does. */
  ARCHIVE_AFTER_DAYS: z.coerce
    .number()
    .refine((days) => days === 0 || days >= 1, 'must be 0 (never) or at least 1')
    .default(90),
} satisfies z.ZodRawShape;

export type ProcessConfig = z.infer<z.ZodObject<typeof processVariables>>;
export type EntityConfig = z.infer<z.ZodObject<typeof entityVariables>>;

/** For a service that reads `workerVariables`. */
export const workerRules: readonly ConfigRule<Pick<EntityConfig, 'WORKER_DEAD_AFTER_MS' | 'WORKER_HEARTBEAT_MS'>>[] = [
  ({ WORKER_DEAD_AFTER_MS, WORKER_HEARTBEAT_MS }) =>
    WORKER_DEAD_AFTER_MS >= 5 * WORKER_HEARTBEAT_MS
      ? []
      : ['WORKER_DEAD_AFTER_MS must be at least five times WORKER_HEARTBEAT_MS, or a lost word would count as death'],
];
