import { strangeVariables } from '#shared/host/strange-variables.ts';
import { variables } from '#services/services.ts';

/** How what stands in for the services of others may be told to misbehave. */
const STAND_INS = [
  'PROVIDER_LATENCY_MS',
  'PROVIDER_SPREAD_MS',
  'PROVIDER_FAILURE_RATE',
  'PROVIDER_DECLINE_RATE',
  'PROVIDER_SEED',
  'WAREHOUSE_LATENCY_MS',
  'WAREHOUSE_5XX',
  'WAREHOUSE_SEED',
];
/** What the local stack itself reads. */
const STACK = ['RABBITMQ_URL', 'SWITCHYARD_DIR', 'SWITCHYARD_BROKER', 'SWITCHYARD_DATABASE'];
/** What the stack decides. */
const DECIDED = /_URL$|^(TOKEN_KEYS|.*_CARD_SECRET|WORKER_ID|HTTP_HOST|HTTP_PORT)$/;

type Environment = Readonly<Record<string, string | undefined>>;

/** What looks like a variable that somebody here reads, and is none: a sentence for each. */
export function strangersIn(environment: Environment): readonly string[] {
  return strangeVariables(environment, [...variables, ...STAND_INS, ...STACK]);
}

/** What of the environment of `npm start` is passed on to the services and to what stands in for others. */
export function passedOn(environment: Environment): Record<string, string> {
  const names = [...variables, ...STAND_INS].filter((name) => !DECIDED.test(name));
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}
