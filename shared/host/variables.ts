import { z } from 'zod';
import type { ConfigRule } from './config.ts';
import { brokerUrls } from '#shared/bus/amqp/broker-urls.ts';
import { ttlVariables } from '#shared/bus/topology/ttl.ts';
import { address, anyNumberOr, oneOf, wholeNumber } from '#shared/variable-kinds.ts';

const brokerAddress = address('amqp', 'amqps');
const areBrokerAddresses = (text: string): boolean =>
  brokerUrls(text).every((url) => brokerAddress.safeParse(url).success);

/** What every service reads from its environment. Times in ms. */
export const processVariables = {
  /** The service's own broker user, with the vhost; of a cluster, one address for each node, separated by commas. */
  AMQP_URL: z
    .string()
    .refine(
      areBrokerAddresses,
      'must be an address that begins with amqp:// or amqps://, or several with commas between',
    ),
  HTTP_HOST: z.string().default('127.0.0.1'),
  /** 0: any free port. */
  HTTP_PORT: wholeNumber(0, 65_535).default(0),
  LOG_LEVEL: oneOf(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** How long a stop may take before what runs is given back to the broker. */
  DRAIN_MS: wholeNumber(0).default(10_000),
} satisfies z.ZodRawShape;

/** A service that reads it gets a connection to the database; another one opens none. */
export const databaseVariables = {
  MONGO_URL: address('mongodb', 'mongodb+srv'),
} satisfies z.ZodRawShape;

export const faultVariables = {
  /** Allows `PUT /v1/faults/{service}`; never in production. */
  FAULTS: oneOf(['on', 'off']).default('off'),
} satisfies z.ZodRawShape;

/** Read by workers, and by those who watch them. */
export const workerVariables = {
  /** The name of this process among the copies of its service: one at a time. Absent: the service's with a random end. */
  WORKER_ID: z
    .string()
    .regex(/^[\w.-]{1,100}$/, 'must be 1 to 100 letters, digits, dots, dashes and underscores')
    .optional(),
  /** How often a worker says that it lives. */
  WORKER_HEARTBEAT_MS: wholeNumber(50).default(1000),
  /** After this long without a word its partitions go to others. */
  WORKER_DEAD_AFTER_MS: wholeNumber(250).default(5000),
} satisfies z.ZodRawShape;

/** What a service that runs an entity reads besides. */
export const entityVariables = {
  ...databaseVariables,
  ...faultVariables,
  ...workerVariables,
  ...ttlVariables,
  /** How many keys' handlers may be at work at once in this process; by default all of which there is a message. */
  WORKER_CONCURRENCY: wholeNumber(1).default(Infinity),
  /** How long a message of a type that has no handler is kept and tried again: a newer version of the service may be on its way. */
  UNKNOWN_TYPE_MS: wholeNumber(0).default(60_000),
  /** Every commit is written to this file as a line of JSON; for tests. */
  HISTORY_FILE: z.string().optional(),
  /** What ended so many days ago moves to the archive; 0: nothing does. */
  ARCHIVE_AFTER_DAYS: anyNumberOr(0, 'never', 1).default(90),
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
