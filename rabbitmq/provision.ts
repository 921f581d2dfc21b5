/**
 * Provisions a broker from the route table: a job in compose, by hand elsewhere. Reads `RABBITMQ_URL`,
 * `RABBITMQ_MANAGEMENT_URL` (an administrator's), `RABBITMQ_VHOST`, `MESSAGE_TTL_MS`, `GATE_DELAY_MS`, `GATE_POLICIES` and one
 * `<SERVICE>_BROKER_PASSWORD` for each service, unless `BROKER_PASSWORDS` is `names`; secrets also as `<NAME>_FILE`. Waits
 * `PROVISION_WAIT_MS` (120000) for a broker that is starting or busy.
 */
import { z } from 'zod';
import { passwordRule, passwordsOf, passwordVariables, withoutPassword } from './passwords.ts';
import { BROKER_WAIT_MS } from '#shared/bus/topology/patiently.ts';
import { provision, ProvisionError } from '#shared/bus/topology/provision.ts';
import { topologyOf } from '#shared/bus/topology/topology.ts';
import { readConfig } from '#shared/host/config.ts';
import { processVariables } from '#shared/host/variables.ts';
import { ConfigError } from '#shared/errors.ts';
import { createLog } from '#shared/log.ts';
import { gateVariables } from '#services/circuit-breaker/contract.ts';
import { routesRule, timingsOf } from '#services/circuit-breaker/policies.ts';
import { brokerUsers, routeTable } from '#services/services.ts';
import { address, wholeNumber } from '#shared/variable-kinds.ts';

try {
  await run();
} catch (error) {
  if (!(error instanceof ProvisionError || error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

async function run(): Promise<void> {
  const shape = {
    RABBITMQ_URL: address('amqp', 'amqps'),
    RABBITMQ_MANAGEMENT_URL: address('http', 'https'),
    RABBITMQ_VHOST: z.string().default('switchyard'),
    PROVISION_WAIT_MS: wholeNumber(0).default(BROKER_WAIT_MS),
    MESSAGE_TTL_MS: gateVariables.MESSAGE_TTL_MS,
    GATE_DELAY_MS: gateVariables.GATE_DELAY_MS,
    GATE_POLICIES: gateVariables.GATE_POLICIES,
    LOG_LEVEL: processVariables.LOG_LEVEL,
    ...passwordVariables(brokerUsers),
  };
  const config = readConfig(shape, process.env, [routesRule(routeTable.routes), passwordRule(brokerUsers)]);
  const vhost = config.RABBITMQ_VHOST;
  const options = {
    amqpUrl: config.RABBITMQ_URL,
    managementUrl: config.RABBITMQ_MANAGEMENT_URL,
    vhost,
    topology: topologyOf(routeTable, timingsOf(config, routeTable.routes), vhost),
    passwords: passwordsOf(brokerUsers, config),
    log: createLog('provision', config.LOG_LEVEL),
    waitMs: config.PROVISION_WAIT_MS,
  };
  const named = withoutPassword(brokerUsers, config);
  if (named.length > 0) options.log.warn('users have their name as password: for a laptop only', { users: named });
  await provision(options);
}
