import test from 'ava';
import fc from 'fast-check';
import { anOrder, startWorld } from './world.ts';
import { place } from '#services/order/contract.ts';
import { topUp } from '#services/wallet/contract.ts';
import { encode } from '#shared/bus/envelope.ts';

const RUNS = 1500;

const amount = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(0, -1, 1, 12.5, 2 ** 53, 1e308, '1', null),
  fc.integer({ min: 1, max: 1000 }),
);
const currency = fc.oneof({ weight: 3, arbitrary: fc.constant('EUR') }, fc.constantFrom('USD', 'XXX', 'eur', '', 7));
const money = fc.oneof({ weight: 4, arbitrary: fc.record({ amount, currency }) }, fc.jsonValue());
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('alice', 'a@example.com', '\0', '\ud800', '\r\nBcc: x'),
  fc.jsonValue(),
);
const item = fc.oneof(
  { weight: 4, arbitrary: fc.record({ sku: text, quantity: amount, unitPrice: money }, { requiredKeys: [] }) },
  fc.jsonValue(),
);
const almostOrder = fc
  .record(
    {
      customerId: text,
      email: text,
      items: fc.oneof(fc.array(item, { maxLength: 3 }), fc.jsonValue()),
      paymentMethod: text,
      extra: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  .map((changes) => anOrder(changes));
const body = fc.oneof(
  almostOrder.map((order) => JSON.stringify(order)),
  money.map((value) => JSON.stringify(value)),
  fc.json(),
  fc.string({ unit: 'binary' }),
  fc.uint8Array(),
);
const segment = fc.oneof(
  fc.string({ unit: 'binary' }).map((id) => encodeURIComponent(id.toWellFormed())),
  fc.constantFrom('alice', 'o1', '%', '%ff', '%00', '..', '%2f', '$gt', '__proto__', 'constructor'),
);
const path = fc.oneof(
  segment.map((id) => `/v1/orders/${id}`),
  segment.map((id) => `/v1/orders/${id}/timeline`),
  segment.map((id) => `/v1/orders/${id}/cancel`),
  segment.map((id) => `/v1/wallets/${id}`),
  segment.map((id) => `/v1/wallets/${id}/top-ups`),
  segment.map((id) => `/v1/payments?orderId=${id}`),
  segment.map((id) => `/v1/deliveries?orderId=${id}`),
  segment.map((query) => `/v1/orders?limit=${query}&cursor=${query}`),
  segment.map((id) => `/problems/${id}`),
  fc.array(segment).map((parts) => `/${parts.join('/')}`),
  fc.constant('/v1/orders'),
  fc.constant('/v1/wallets/alice/top-ups'),
);
const key = fc.option(fc.stringMatching(/^[!-~]{0,300}$/), { nil: undefined });

test('whatever is sent, the answer is never a fault of the gateway, and what is refused leaves nothing behind', async (t) => {
  const world = await startWorld({ settings: { outcomeMs: 1 } });
  t.teardown(world.stop);
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH'),
      path,
      body,
      key,
      async (method, target, raw, idempotencyKey) => {
        const before = [world.requests.all().length, world.bus.published.length];
        const reply = await world.call(method, target, {
          as: 'alice',
          ...(method === 'GET' ? {} : { raw }),
          headers: idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey },
        });
        seen.add(reply.status);
        if (reply.status < 400) return;
        if (reply.status >= 500) throw new Error(`${reply.status} ${reply.text}`);
        if (reply.body['type'] === undefined || reply.body['traceId'] === undefined)
          throw new Error(`no problem document: ${reply.text}`);
        const after = [world.requests.all().length, world.bus.published.length];
        if (after[0] !== before[0] || after[1] !== before[1])
          throw new Error(`${reply.status}, but something was done`);
      },
    ),
    { numRuns: RUNS },
  );
  t.true(
    [400, 404, 405].every((status) => seen.has(status)),
    [...seen].join(),
  );
});

test('what is accepted can be carried by the broker and is valid for its owner', async (t) => {
  const world = await startWorld({ settings: { outcomeMs: 1 } });
  t.teardown(world.stop);
  await fc.assert(
    fc.asyncProperty(body, async (raw) => {
      await world.call('POST', '/v1/orders', { as: 'alice', raw });
      await world.call('POST', '/v1/wallets/alice/top-ups', { as: 'ops', role: 'operator', raw });
    }),
    { numRuns: RUNS / 3 },
  );
  await world.order();
  for (const { message } of world.bus.published) {
    encode(message);
    const type = message.type === place.name ? place : topUp;
    t.true(type.body.safeParse(message.body).success, JSON.stringify(message.body));
  }
  t.true(world.bus.published.length > 0);
});
