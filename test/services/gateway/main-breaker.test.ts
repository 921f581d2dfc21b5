import test from 'ava';
import { listenTo } from '#test/services/console/event-reader.ts';
import { startStack } from './real-stack.ts';
import { untilTrue } from '#test/support/until.ts';
import { anOrder } from './world.ts';
import { service as breaker } from '#services/circuit-breaker/service.ts';
import { breakerShape } from '#services/console/breaker-shape.ts';
import { listOf } from '#shared/web/shapes.ts';
import { routeTable } from '#services/services.ts';

test('on the real broker: a forced route is refused by the gateway, shown, streamed and counted, and taken again afterwards', async (t) => {
  const stops: (() => Promise<void>)[] = [];
  t.teardown(async () => {
    for (const stop of stops.toReversed()) await stop();
  });
  const { call, url, token } = await startStack((stop) => stops.push(stop), [breaker]);
  await untilTrue(async () => (await call('GET', '/v1/breakers')).status === 200);
  const all = listOf(breakerShape).parse((await call('GET', '/v1/breakers')).body);
  t.deepEqual(
    all.items.map(({ route, state }) => `${route} ${state}`),
    routeTable.routes.map((route) => `${route} closed`),
  );
  const events = await listenTo(`${url}/v1/stream`, { authorization: `Bearer ${token}` });
  stops.push(() => events.leave());

  /** Its word comes by another way than its broadcast. */
  const known = (state: string): Promise<void> =>
    untilTrue(async () => (await call('GET', '/v1/breakers/payment')).body['state'] === state);
  const forced = await call('PUT', '/v1/breakers/payment/override', { state: 'open', expiresInMs: 12_000 });
  t.is(forced.status, 200, JSON.stringify(forced.body));
  t.like(breakerShape.parse(forced.body), { state: 'open', machine: 'closed', override: { state: 'open' } });
  await known('open');
  const endsAt = Date.parse(breakerShape.parse(forced.body).override?.until ?? '');
  const leftS = (): number => Math.ceil((endsAt - Date.now()) / 1000);
  const atMostS = leftS();
  const refused = await call('POST', '/v1/orders', anOrder());
  t.is(refused.status, 503);
  t.like(refused.body, { type: '/problems/breaker-open', route: 'payment', state: 'open' });
  const waitS = Number(refused.headers.get('retry-after'));
  t.true(waitS >= leftS() - 1 && waitS <= atMostS + 1 && atMostS > 1, `${waitS} of ${atMostS}`);
  await events.until((read) => read.some(({ event }) => event === 'breaker'));
  t.like(events.named('breaker')[0]?.data, { route: 'payment', from: 'closed', to: 'open', state: 'open' });
  t.regex(
    await (await fetch(`${url}/metrics`)).text(),
    /switchyard_requests_refused_total\{route="payment",by="gateway"[^}]*\} 1/,
  );
  t.deepEqual((await call('GET', '/v1/parked')).body, { items: [] });

  const ended = await call('DELETE', '/v1/breakers/payment/override');
  t.like(ended.body, { state: 'half_open' });
  await untilTrue(async () => (await call('GET', '/v1/breakers/payment')).body['state'] !== 'open');
  t.is((await call('POST', '/v1/orders', anOrder())).status, 202);
});
