import type { ChannelModel } from 'amqplib';
import { connectOnceTo } from '#shared/bus/amqp/connection.ts';
import type { Topology } from '#shared/bus/bus.ts';
import { connectManagement, type Management, ProvisionError } from './management.ts';
import { patiently } from './patiently.ts';
import { declareTopology } from './provision-declare.ts';
import { planRepairs, repair } from './provision-rings.ts';
import { provisionPolicies, provisionUsers } from './provision-rights.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

export { ProvisionError };

export interface ProvisionOptions {
  /** An administrator's; a vhost in it is ignored. */
  readonly amqpUrl: string;
  /** The same administrator's, over HTTP. */
  readonly managementUrl: string;
  readonly vhost: string;
  readonly topology: Topology;
  /** By service name. The broker users are `<vhost>.<service>`. */
  readonly passwords: Readonly<Record<string, string>>;
  readonly log: Log;
  /** How long a broker that starts or is busy is waited for. */
  readonly waitMs?: number;
  /** How long one request of the management API may take until it is one that did not succeed. */
  readonly requestMs?: number;
}

/** A password or a right is wrong; whatever else ends a handshake, a node or a vhost that is still starting too, may pass. */
const REFUSED = /\b403\b|ACCESS.REFUSED/;
const path = (...parts: readonly string[]): string => `/${parts.map(encodeURIComponent).join('/')}`;

/**
 * Makes the broker look like the topology. Idempotent, and safe to repeat after an interruption. Gate bindings are made
 * only as long as their state queue, which is declared after them, does not exist: afterwards they are the breaker's. Whatever else is
 * bound otherwise is repaired where no message can be handled out of order by it, and told where one could.
 * Rejects with `ProvisionError`.
 */
export async function provision(options: ProvisionOptions): Promise<void> {
  const { vhost, log, waitMs } = options;
  if (!/^[\w-][\w.-]*$/.test(vhost))
    throw new ProvisionError(`a vhost is named with letters, digits, - _ and ., not ${JSON.stringify(vhost)}`);
  await patiently(
    () => provisionOnce(options),
    waitMs,
    (reason) => log.warn('the broker does not answer, or broke off; it is asked again', { reason }),
  );
}

async function provisionOnce({
  amqpUrl,
  managementUrl,
  vhost,
  topology,
  passwords,
  log,
  requestMs,
}: ProvisionOptions): Promise<void> {
  const api = connectManagement(managementUrl, requestMs);
  await requireBroker(api);
  await provisionVhost(api, vhost);
  const fresh = await freshGates(api, vhost, topology);
  const plan = await planRepairs(api, vhost, topology, fresh, log);
  const declared = { ...topology, bindings: topology.bindings.filter(({ source }) => !plan.untouched.has(source)) };
  // Policies before queues: a message never waits without its TTL. Users last: a service that waits to be let in finds everything.
  await provisionPolicies(api, vhost, topology, log);
  const model = await connect(amqpUrl, vhost);
  try {
    await declareTopology(model, declared, fresh);
    await repair(model, plan, log);
  } finally {
    await model.close().catch(() => {});
  }
  await provisionUsers(api, vhost, topology.users, passwords);
  log.info('the broker is provisioned', {
    vhost,
    queues: topology.queues.length + topology.gates.length,
    newGates: fresh.size,
  });
}

async function connect(amqpUrl: string, vhost: string): Promise<ChannelModel> {
  const target = new URL(amqpUrl);
  target.pathname = `/${encodeURIComponent(vhost)}`;
  return connectOnceTo({ url: target.toString(), name: 'provision', heartbeatS: 30 }).catch((cause: unknown) => {
    throw new ProvisionError(`cannot connect to RabbitMQ at ${target.host} as ${target.username}: ${reasonOf(cause)}`, {
      cause,
      transient: !REFUSED.test(reasonOf(cause)),
    });
  });
}

/** Deletes the vhost with everything in it, and its users. For tests and clean-ups. */
export async function removeVhost({
  managementUrl,
  vhost,
}: Pick<ProvisionOptions, 'managementUrl' | 'vhost'>): Promise<void> {
  const api = connectManagement(managementUrl);
  // A busy broker takes longer for many queues than a request may; it goes on meanwhile.
  await patiently(() => api.remove(path('vhosts', vhost)));
  const users = (await patiently(() => api.get<readonly { readonly name: string }[]>('/users'))) ?? [];
  const ours = users.filter(({ name }) => name.startsWith(`${vhost}.`));
  await Promise.all(ours.map(({ name }) => patiently(() => api.remove(path('users', name)))));
}

async function requireBroker(api: Management): Promise<void> {
  const [me, overview] = await Promise.all([
    api.get<{ readonly tags: readonly string[] | string }>('/whoami'),
    api.get<{ readonly exchange_types: readonly { readonly name: string }[] }>('/overview'),
  ]);
  if (!me?.tags.includes('administrator'))
    throw new ProvisionError(`the broker user ${api.user} needs the tag administrator to provision`);
  if (!overview?.exchange_types.some(({ name }) => name === 'x-consistent-hash')) {
    throw new ProvisionError(
      'the broker lacks consistent hashing: rabbitmq-plugins enable rabbitmq_consistent_hash_exchange',
    );
  }
}

async function provisionVhost(api: Management, vhost: string): Promise<void> {
  if ((await api.get(path('vhosts', vhost))) === undefined) await api.put(path('vhosts', vhost), {});
  if ((await api.get(path('permissions', vhost, api.user))) === undefined) {
    await api.put(path('permissions', vhost, api.user), { configure: '.*', write: '.*', read: '.*' });
  }
}

/** The state queues that do not exist yet. */
async function freshGates(api: Management, vhost: string, { gates }: Topology): Promise<ReadonlySet<string>> {
  const found = await Promise.all(
    gates.map(async ({ state }) => ({
      state,
      exists: (await api.get(`${path('queues', vhost, state)}?columns=name`)) !== undefined,
    })),
  );
  return new Set(found.filter(({ exists }) => !exists).map(({ state }) => state));
}
