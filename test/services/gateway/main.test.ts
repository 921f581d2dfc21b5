import { randomUUID } from 'node:crypto';
import test from 'ava';
import { connect } from 'amqplib';
import { createConnection } from 'mongoose';
import { anOrder } from './world.ts';
import { service as gateway } from '#services/gateway/main.ts';
import { parseTokenKeys, signToken } from '#services/gateway/tokens.ts';
import { service as order } from '#services/order/main.ts';
import { routeTable } from '#services/routes.ts';
import { service as saga } from '#services/saga/main.ts';
import { service as wallet } from '#services/wallet/main.ts';
import { provision, removeVhost } from '#shared/bus/provision.ts';
import { gate, topologyOf } from '#shared/bus/topology.ts';
import { silentLog as log } from '#shared/log.ts';
import type { RunningService } from '#shared/service.ts';

const needed = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: run the tests with npm test`);
  return value;
};
const amqpUrl = needed('SWITCHYARD_TEST_AMQP_URL');
const managementUrl = needed('SWITCHYARD_TEST_MANAGEMENT_URL');
const mongoUrl = needed('SWITCHYARD_TEST_MONGO_URL');

/** The gateway with the services that it reads from, on a vhost and a database of their own. */
async function startStack(onStop: (stop: () => Promise<void>) => void) {
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
  const tokenKeys = `test:${randomUUID()}`;
  const running = new Map<string, RunningService>();
  for (const service of [order, saga, wallet, gateway]) {
    const amqp = new URL(amqpUrl);
    amqp.username = `${vhost}.${service.name}`;
    amqp.password = passwords[service.name] ?? '';
    amqp.pathname = `/${vhost}`;
    const started = await service.start(
      { AMQP_URL: amqp.href, MONGO_URL: mongo.href, TOKEN_KEYS: tokenKeys, FAULTS: 'on' },
      { log, exit: () => undefined },
    );
    onStop(() => started.stop());
    running.set(service.name, started);
  }
  for (const { url } of running.values()) await until(async () => (await fetch(`${url}/readyz`)).status === 200);
  const token = await signToken({ subject: 'root', role: 'operator', expiresInS: 600 }, parseTokenKeys(tokenKeys));
  const url = running.get('gateway')?.url ?? '';
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
  return { call, url, adminUrl: admin.href };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await condition()); tries++) {
    if (tries > 400) throw new Error('never so');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

test('on the real broker: money is added, orders are taken and cancelled, faults applied, an open route refused', async (t) => {
  const stops: (() => Promise<void>)[] = [];
  t.teardown(async () => {
    for (const stop of stops.toReversed()) await stop();
  });
  const { call, url, adminUrl } = await startStack((stop) => stops.push(stop));

  const topUp = await call('POST', '/v1/wallets/alice/top-ups', { amount: 5000, currency: 'EUR' });
  t.is(topUp.status, 201, JSON.stringify(topUp.body));
  t.like(topUp.body, { customerId: 'alice', available: { amount: 5000, currency: 'EUR' } });
  const other = await call('POST', '/v1/wallets/alice/top-ups', { amount: 5000, currency: 'USD' });
  t.is(other.status, 409, JSON.stringify(other.body));
  const entries = await call('GET', '/v1/wallets/alice/entries');
  t.is((entries.body['items'] as object[]).length, 1);
  t.is((await call('GET', topUp.headers.get('location') ?? '')).body['state'], 'done');

  const accepted = await call('POST', '/v1/orders', anOrder());
  t.is(accepted.status, 202);
  const path = accepted.headers.get('location') ?? '';
  t.is((await call('GET', path)).status, 200);
  await until(async () => ((await call('GET', '/v1/orders')).body['items'] as object[]).length === 1);
  await until(async () => JSON.stringify((await call('GET', `${path}/timeline`)).body).includes('payment.create'));
  const cancelled = await call('POST', `${path}/cancel`);
  t.is(cancelled.status, 202, JSON.stringify(cancelled.body));
  t.deepEqual((await call('GET', `${path}/emails`)).body, { items: [] });
  t.deepEqual((await call('GET', `/v1/payments?orderId=${String(accepted.body['id'])}`)).body, { items: [] });

  t.is((await call('PUT', '/v1/faults/wallet', { latencyMs: 1 })).status, 200);
  t.is((await call('PUT', '/v1/faults/notify', {})).status, 503, 'it does not run here');
  t.regex(
    await (await fetch(`${url}/metrics`)).text(),
    /switchyard_http_request_duration_seconds_count\{[^}]*path="\/v1\/orders"/,
  );

  const admin = await connect(adminUrl);
  stops.push(() => admin.close());
  const channel = await admin.createChannel();
  const { direct, delayed } = gate('order');
  await channel.unbindQueue(delayed.destination, delayed.source, '');
  await channel.unbindExchange(direct.destination, direct.source, '');
  const refused = await call('POST', '/v1/orders', anOrder());
  t.is(refused.status, 503);
  t.like(refused.body, { type: '/problems/breaker-open', route: 'order' });
  t.is(((await call('GET', '/v1/orders')).body['items'] as object[]).length, 1);
});
