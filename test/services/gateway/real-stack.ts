import { randomUUID } from 'node:crypto';
import { createConnection } from 'mongoose';
import { parseTokenKeys, signToken } from '#shared/web/tokens.ts';
import { routeTable, services, system } from '#services/services.ts';
import { createApi } from '#local/commands/api.ts';
import { migrateDatabase } from '#local/stack/migrate-database.ts';
import { stockShelves } from '#local/commands/simulator/shelves.ts';
import { systemClock } from '#shared/clock.ts';
import { goodAt } from '#test/support/goods.ts';
import { provision, removeVhost } from '#shared/bus/topology/provision.ts';
import { topologyOf } from '#shared/bus/topology/topology.ts';
import { silentLog as log } from '#shared/log.ts';
import type { RunningService, Service } from '#shared/host/kit.ts';
import { untilTrue } from '#test/support/until.ts';

const needed = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: run the tests with npm test`);
  return value;
};
const amqpUrl = needed('SWITCHYARD_TEST_AMQP_URL');
const managementUrl = needed('SWITCHYARD_TEST_MANAGEMENT_URL');
const mongoUrl = needed('SWITCHYARD_TEST_MONGO_URL');

const NEEDED = ['order', 'saga', 'wallet', 'catalogue', 'stock', 'gateway'];

/** The gateway with the services that it reads from, and what `anOrder` orders, on a vhost and a database of their own. */
export async function startStack(onStop: (stop: () => Promise<void>) => void, more: readonly Service[] = []) {
  const vhost = `gateway-${randomUUID()}`;
  const names = Object.keys(routeTable.services);
  const passwords = Object.fromEntries(names.map((name) => [name, randomUUID()]));
  onStop(() => removeVhost({ managementUrl, vhost }));
  const topology = topologyOf(routeTable, { ttlMs: 10_000, delayMs: 2000 }, vhost);
  await provision({ amqpUrl, managementUrl, vhost, topology, passwords, log });
  const mongo = new URL(mongoUrl);
  mongo.pathname = `/${vhost}`;
  onStop(async () => {
    const db = await createConnection(mongo.href).asPromise();
    await db.dropDatabase();
    await db.close();
  });
  await migrateDatabase(mongo.href, () => undefined);
  const tokenKeys = `test:${randomUUID()}`;
  const running = new Map<string, RunningService>();
  for (const service of [...services.filter(({ name }) => NEEDED.includes(name)), ...more]) {
    const amqp = new URL(amqpUrl);
    amqp.username = `${vhost}.${service.name}`;
    amqp.password = passwords[service.name] ?? '';
    amqp.pathname = `/${vhost}`;
    const started = await service.start(
      { AMQP_URL: amqp.href, MONGO_URL: mongo.href, TOKEN_KEYS: tokenKeys, FAULTS: 'on' },
      system,
      { log, exit: () => undefined },
    );
    onStop(() => started.stop());
    running.set(service.name, started);
  }
  for (const { url } of running.values()) await untilTrue(async () => (await fetch(`${url}/readyz`)).status === 200);
  const token = await signToken({ subject: 'root', role: 'operator', expiresInS: 600 }, parseTokenKeys(tokenKeys));
  const url = running.get('gateway')?.url ?? '';
  const shelves = { api: createApi(url, token), clock: systemClock, run: 'shelves' };
  await stockShelves(shelves, [goodAt(1299, 'EUR', 'sku-1')]);
  async function call(method: string, path: string, body?: object) {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Record<string, unknown>,
    };
  }
  const admin = new URL(amqpUrl);
  admin.pathname = `/${vhost}`;
  return { call, url, token, adminUrl: admin.href };
}
