import { join } from 'node:path';
import { type Broker, startBroker } from '#local/stack/broker.ts';
import { type Database, startDatabase } from '#local/stack/database.ts';
import { isRoutine } from '#local/stack/log-lines.ts';
import { anyFreePort } from '#local/stack/ports.ts';
import { loadSecrets } from '#local/stack/secrets.ts';
import { brokerUsers } from '#services/services.ts';
import { Trouble } from '#local/stack/trouble.ts';
import { routeTable } from '#services/services.ts';
import { provision } from '#shared/bus/topology/provision.ts';
import { topologyOf } from '#shared/bus/topology/topology.ts';
import { silentLog } from '#shared/log.ts';

/** Nothing expires while it is measured. */
export const TTL_MS = 60_000;

/** What the arms of one run share; servers start when they are first asked for. */
export interface World {
  /** Everything of this run is in it. */
  readonly dir: string;
  readonly say: (text: string) => void;
  readonly onStop: (stop: () => Promise<void>) => void;
  broker(): Promise<Broker>;
  brokerVersion(): Promise<string>;
  /** A provisioned vhost of its own: an administrator's URL. */
  vhost(name: string, partitions?: number): Promise<string>;
  /** An empty one. */
  database(name: string): Promise<Database>;
}

export interface WorldOptions extends Pick<World, 'dir' | 'say' | 'onStop'> {
  readonly fail: (reason: Error) => void;
}

export function createWorld({ dir, say, onStop, fail }: WorldOptions): World {
  const common = {
    dir,
    onStop,
    recordDir: join(dir, 'run'),
    tell: (level: string, text: string) => (level === 'info' ? undefined : say(text)),
    onGivenUp: (name: string, reason: string) => fail(new Trouble(`${name} cannot run: ${reason}`)),
    output: (_source: string, line: string) => void (isRoutine(line) || process.stderr.write(`${line}\n`)),
  };
  const secrets = loadSecrets(dir, brokerUsers);
  let started: Promise<Broker> | undefined;

  async function startOwnBroker(): Promise<Broker> {
    const ports = { amqp: await anyFreePort(), management: await anyFreePort() };
    return startBroker({ ...common, ports, password: secrets.brokerAdmin, say, disposable: true });
  }

  const world: World = {
    dir,
    say,
    onStop,
    broker: () => (started ??= startOwnBroker()),
    async brokerVersion() {
      const { managementUrl } = await world.broker();
      const url = new URL('/api/overview', managementUrl);
      const authorization = `Basic ${Buffer.from(`${url.username}:${url.password}`).toString('base64')}`;
      const answer = await fetch(`${url.origin}${url.pathname}`, { headers: { authorization } });
      return ((await answer.json()) as { readonly rabbitmq_version: string }).rabbitmq_version;
    },
    async vhost(name, partitions = routeTable.partitions) {
      const { amqpUrl, managementUrl } = await world.broker();
      const topology = topologyOf({ ...routeTable, partitions }, { ttlMs: TTL_MS, delayMs: 2000 }, name);
      const passwords = secrets.brokerPasswords;
      await provision({ amqpUrl, managementUrl, vhost: name, topology, passwords, log: silentLog });
      return `${amqpUrl}/${name}`;
    },
    database: async (name) =>
      startDatabase({ ...common, dir: join(dir, name), port: await anyFreePort(), embedded: true }),
  };
  return world;
}
