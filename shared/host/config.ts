import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { brokerUrls } from '#shared/bus/amqp/broker-urls.ts';
import { ConfigError, reasonOf } from '#shared/errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const routeTimes = z
  .strictObject({ ttlMs: z.number(), delayMs: z.number(), cycleMs: z.number(), badCycles: z.number() })
  .partial();

const isAmqpUrl = (text: string): boolean => z.url({ protocol: /^amqps?$/ }).safeParse(text).success;

function parsedJson(text: string, context: z.RefinementCtx): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: `is not JSON: ${reasonOf(error)}` });
    return z.NEVER;
  }
}

/** What every service reads from its environment. Times in ms. */
export const commonConfig = {
  /** The service's own broker user, with the vhost; of a cluster, one address for each node, separated by commas. */
  AMQP_URL: z.string().refine((text) => brokerUrls(text).every(isAmqpUrl), 'Invalid URL'),
  MONGO_URL: z.url({ protocol: /^mongodb(\+srv)?$/ }),
  HTTP_HOST: z.string().default('127.0.0.1'),
  /** 0: any free port. */
  HTTP_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** Allows `PUT /v1/faults/{service}`; never in production. */
  FAULTS: z.enum(['on', 'off']).default('off'),
  /** TTL of the partition queues, as provisioned. */
  MESSAGE_TTL_MS: z.coerce.number().int().min(200).default(10_000),
  GATE_DELAY_MS: z.coerce.number().int().min(0).default(2_000),
  GATE_CYCLE_MS: z.coerce.number().int().min(100).default(15_000),
  /** Bad cycles in a row after which a half-open gate opens. */
  GATE_BAD_CYCLES: z.coerce.number().int().min(1).default(3),
  /** What single routes have instead, as JSON: `{"<route>": {"ttlMs": 5000}}`. */
  GATE_POLICIES: z.string().default('{}').transform(parsedJson).pipe(z.record(z.string(), routeTimes)),
  /** How long a forward step may take before it is undone. */
  STEP_DEADLINE_MS: z.coerce.number().int().min(500).default(60_000),
  /** How long the steps that are only retried forward may take before everything is undone. */
  SAGA_DEADLINE_MS: z.coerce.number().int().min(500).default(600_000),
  /** The name of this process among the copies of its service: one at a time. Absent: the service's with a random end. */
  WORKER_ID: z
    .string()
    .regex(/^[\w.-]{1,100}$/, 'has other characters than letters, digits, dot, dash and underscore, or too many')
    .optional(),
  /** How often a worker says that it lives. */
  WORKER_HEARTBEAT_MS: z.coerce.number().int().min(50).default(1000),
  /** After this long without a word its partitions go to others. */
  WORKER_DEAD_AFTER_MS: z.coerce.number().int().min(250).default(5000),
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
  /** How long a stop may take before what runs is given back to the broker. */
  DRAIN_MS: z.coerce.number().int().min(0).default(10_000),
} satisfies z.ZodRawShape;

export type CommonConfig = z.infer<z.ZodObject<typeof commonConfig>>;

/** How long a message may wait in a partition queue of this route. */
export function ttlMsOf(config: Pick<CommonConfig, 'MESSAGE_TTL_MS' | 'GATE_POLICIES'>, route: string): number {
  return config.GATE_POLICIES[route]?.ttlMs ?? config.MESSAGE_TTL_MS;
}

/** What must not run although each variable alone is right; the sentences name the variables. */
export type ConfigRule<Config> = (config: Config) => readonly string[];

/**
 * Reads one process's configuration: the schema's names from `environment`, or from the file named by `<NAME>_FILE`.
 * Frozen. Throws a `ConfigError` that lists every problem at once, those of the rules too; a rule that needs a variable which
 * is wrong itself has nothing to say.
 */
export function readConfig<Shape extends z.ZodRawShape>(
  shape: Shape,
  environment: Environment,
  rules: readonly ConfigRule<z.infer<z.ZodObject<Shape>>>[] = [],
): z.infer<z.ZodObject<Shape>> {
  const problems: string[] = [];
  const config: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(shape)) {
    const file = environment[`${name}_FILE`];
    const value = file === undefined ? environment[name] : contentOf(name, file, problems);
    const parsed = z.safeParse(schema, value === '' ? undefined : value);
    if (parsed.success && !problems.some((one) => one.startsWith(`${name}_FILE:`))) config[name] = parsed.data;
    else Object.defineProperty(config, name, { get: unreadable });
    if (parsed.success || problems.some((one) => one.startsWith(`${name}_FILE:`))) continue;
    if (value === undefined || value === '') problems.push(`${name} is missing`);
    else for (const { path, message } of parsed.error.issues) problems.push(`${[name, ...path].join('.')}: ${message}`);
  }
  for (const rule of rules) problems.push(...saidBy(rule, config as z.infer<z.ZodObject<Shape>>));
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(config) as z.infer<z.ZodObject<Shape>>;
}

class Unreadable extends Error {}

function unreadable(): never {
  throw new Unreadable();
}

function saidBy<Config>(rule: ConfigRule<Config>, config: Config): readonly string[] {
  try {
    return rule(config);
  } catch (error) {
    if (error instanceof Unreadable) return [];
    throw error;
  }
}

function contentOf(name: string, file: string, problems: string[]): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    problems.push(`${name}_FILE: ${reasonOf(error)}`);
    return undefined;
  }
}

/** Times that contradict each other. */
export const timeRules: readonly ConfigRule<CommonConfig>[] = [
  ({ GATE_CYCLE_MS, GATE_DELAY_MS, MESSAGE_TTL_MS }) =>
    GATE_CYCLE_MS > GATE_DELAY_MS + MESSAGE_TTL_MS
      ? []
      : ['GATE_CYCLE_MS must be more than GATE_DELAY_MS + MESSAGE_TTL_MS, or a clean cycle would prove nothing'],
  ({ STEP_DEADLINE_MS, MESSAGE_TTL_MS, GATE_DELAY_MS, GATE_CYCLE_MS }) =>
    STEP_DEADLINE_MS > MESSAGE_TTL_MS + GATE_DELAY_MS + GATE_CYCLE_MS
      ? []
      : ['STEP_DEADLINE_MS must be more than MESSAGE_TTL_MS + GATE_DELAY_MS + GATE_CYCLE_MS'],
  ({ WORKER_DEAD_AFTER_MS, WORKER_HEARTBEAT_MS }) =>
    WORKER_DEAD_AFTER_MS >= 5 * WORKER_HEARTBEAT_MS
      ? []
      : ['WORKER_DEAD_AFTER_MS must be at least five times WORKER_HEARTBEAT_MS, or a lost word would count as death'],
  ({ SAGA_DEADLINE_MS, STEP_DEADLINE_MS }) =>
    SAGA_DEADLINE_MS > STEP_DEADLINE_MS ? [] : ['SAGA_DEADLINE_MS must be more than STEP_DEADLINE_MS'],
];
