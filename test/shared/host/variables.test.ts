import test from 'ava';
import { services, system } from '#services/services.ts';
import { ConfigError } from '#shared/errors.ts';
import type { Kit } from '#shared/host/kit.ts';
import { defineService } from '#shared/host/service.ts';
import { databaseVariables } from '#shared/host/variables.ts';
import { silentLog } from '#shared/log.ts';

/** Where nothing listens. */
const AMQP_URL = 'amqp://127.0.0.1:9/none';
const MONGO_URL = 'mongodb://127.0.0.1:9/none';

/** What a service without any variable but its own says is missing. */
function missing(name: string, environment: Record<string, string>): readonly string[] {
  const service = services.find((one) => one.name === name)!;
  try {
    service.check(environment, system.table);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.filter((problem) => problem.endsWith('is missing'));
  }
}

test('the breaker runs without a database; every service that stores something asks for one', (t) => {
  const asking = services.filter(({ name }) => missing(name, { AMQP_URL }).includes('MONGO_URL is missing'));
  t.deepEqual(missing('circuit-breaker', { AMQP_URL }), []);
  const without = services.filter((service) => !asking.includes(service)).map(({ name }) => name);
  t.deepEqual(without, ['circuit-breaker']);
});

test('only those who need the times of the gate or of the saga read them', (t) => {
  const reading = (variable: string): readonly string[] =>
    services.filter(({ variables }) => variables.includes(variable)).map(({ name }) => name);
  t.deepEqual(reading('GATE_BAD_CYCLES'), ['circuit-breaker']);
  t.deepEqual(reading('RESEND_BASE_MS'), ['saga']);
  for (const name of ['order', 'payment', 'wallet', 'delivery', 'dead-letters'])
    for (const variable of ['GATE_DELAY_MS', 'GATE_CYCLE_MS', 'STEP_DEADLINE_MS', 'SAGA_DEADLINE_MS'])
      t.false(reading(variable).includes(name), `${name} reads ${variable}`);
});

test('a service that does not read the address of a database opens none, one that does gets it', async (t) => {
  const given: Record<string, unknown> = {};
  const plain = defineService({
    name: 'plain',
    rights: {},
    config: {},
    start: ({ db }: Kit<object>) => void (given['plain'] = db),
  });
  const storing = defineService({
    name: 'storing',
    rights: {},
    config: databaseVariables,
    start: ({ db }) => void (given['storing'] = db.name),
  });
  t.false(plain.variables.includes('MONGO_URL'));
  t.true(storing.variables.includes('MONGO_URL'));
  const environment = { AMQP_URL, MONGO_URL };
  for (const service of [plain, storing]) {
    const running = await service.start(environment, { ...system, table: tableWith(service.name) }, { log: silentLog });
    await running.stop();
  }
  t.is(given['plain'], undefined);
  t.true('storing' in given);
});

function tableWith(name: string): typeof system.table {
  return { ...system.table, services: { ...system.table.services, [name]: {} } };
}
