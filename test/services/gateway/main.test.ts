import test from 'ava';
import { connect } from 'amqplib';
import { startStack } from './real-stack.ts';
import { untilTrue } from '#test/support/until.ts';
import { anOrder } from './world.ts';
import { gate } from '#shared/bus/topology/topology.ts';

test('on the real broker: money is added, orders are taken and cancelled, faults applied, an open route refused', async (t) => {
  const stops: (() => Promise<void>)[] = [];
  t.teardown(async () => {
    for (const stop of stops.toReversed()) await stop();
  });
  const { call, url, adminUrl } = await startStack((stop) => stops.push(stop));

  const topUp = await call('POST', '/v1/wallets/alice/top-ups', { amount: 5000, currency: 'EUR' });
  // Accepted only, when the wallet takes its time.
  t.true([201, 202].includes(topUp.status), JSON.stringify(topUp.body));
  await untilTrue(async () => (await call('GET', topUp.headers.get('location') ?? '')).body['state'] === 'done');
  t.like((await call('GET', '/v1/wallets/alice')).body, { available: { amount: 5000, currency: 'EUR' } });
  await untilTrue(
    async () => (await call('POST', '/v1/wallets/alice/top-ups', { amount: 5000, currency: 'USD' })).status === 409,
  );
  const entries = await call('GET', '/v1/wallets/alice/entries');
  t.is((entries.body['items'] as object[]).length, 1);
  const more = await call('POST', '/v1/wallets/alice/top-ups', { amount: 1, currency: 'EUR' });
  t.like(more.body, more.status === 201 ? { customerId: 'alice', available: { amount: 5001 } } : { state: 'pending' });

  const accepted = await call('POST', '/v1/orders', anOrder());
  t.is(accepted.status, 202);
  const path = accepted.headers.get('location') ?? '';
  t.is((await call('GET', path)).status, 200);
  await untilTrue(async () => ((await call('GET', '/v1/orders')).body['items'] as object[]).length === 1);
  await untilTrue(async () => JSON.stringify((await call('GET', `${path}/timeline`)).body).includes('payment.create'));
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
  t.regex(
    await (await fetch(`${url}/metrics`)).text(),
    /switchyard_publishes_refused_total\{exchange="order\.in"[^}]*\} 1/,
  );
});
