import { z } from 'zod';
import { reasonOf } from '#shared/errors.ts';
import { wholeNumber } from '#shared/variable-kinds.ts';

const time = z.number('must be a number').optional();
const times = { ttlMs: time, delayMs: time, cycleMs: time, badCycles: time };
const routeTimes = z.strictObject(times, {
  error: ({ code }) =>
    code === 'unrecognized_keys' ? `must have nothing but ${Object.keys(times).join(', ')}` : 'must be an object',
});

function parsedJson(text: string, context: z.RefinementCtx): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: `is not JSON: ${reasonOf(error)}` });
    return z.NEVER;
  }
}

/** How long a message may wait in a partition queue: read by provisioning, by the breaker and by every consumer. Times in ms. */
export const ttlVariables = {
  /** TTL of the partition queues, as provisioned. */
  MESSAGE_TTL_MS: wholeNumber(200).default(10_000),
  /** What single routes have instead, as JSON: `{"<route>": {"ttlMs": 5000}}`. */
  GATE_POLICIES: z
    .string()
    .default('{}')
    .transform(parsedJson)
    .pipe(z.record(z.string(), routeTimes, 'must be an object: {"<route>": {"ttlMs": 5000}}')),
} satisfies z.ZodRawShape;

/** How long a message may wait in a partition queue of this route, ms. */
export function ttlMsOf(config: z.infer<z.ZodObject<typeof ttlVariables>>, route: string): number {
  return config.GATE_POLICIES[route]?.ttlMs ?? config.MESSAGE_TTL_MS;
}
