import { connect } from 'node:net';
import test from 'ava';
import { exchange } from './raw-http.ts';
import { keys, startWorld, type World } from './world.ts';
import { signToken } from '#shared/web/tokens.ts';
import { problemTypes } from '#shared/web/problem-types.ts';
import type { Log } from '#shared/log.ts';

async function inWorld(
  run: (world: World) => Promise<void>,
  options?: Parameters<typeof startWorld>[0],
): Promise<void> {
  const world = await startWorld(options);
  try {
    await run(world);
  } finally {
    await world.stop();
  }
}

const aliceToken = () => signToken({ subject: 'alice', role: 'customer', expiresInS: 60 }, keys);

test('JSON with a charset, spelled as clients do, is taken', (t) =>
  inWorld(async ({ order }) => {
    for (const type of ['application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"', 'application/json;'])
      t.is((await order({ headers: { 'content-type': type } })).status, 202, type);
  }));

test('a chunked body over the limit is 413, and the connection serves the next request', (t) =>
  inWorld(async ({ port }) => {
    const token = await aliceToken();
    const chunk = `${(65_536).toString(16)}\r\n${'x'.repeat(65_536)}\r\n`;
    const head = `POST /v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const next = 'GET /problems/validation HTTP/1.1\r\nHost: x\r\n\r\n';
    const received = await exchange(port, [head, ...Array.from({ length: 32 }, () => chunk), '0\r\n\r\n', next], 2);
    t.regex(received, /^HTTP\/1\.1 413 /);
    t.regex(received, /payload-too-large/);
    t.regex(received, /HTTP\/1\.1 200 OK/);
  }));

test('a body that says it is enormous is refused at once and the connection closed', (t) =>
  inWorld(async ({ port }) => {
    const token = await aliceToken();
    const head = `POST /v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 9999999999\r\n\r\n`;
    const received = await exchange(port, [head, '{']);
    t.regex(received, /^HTTP\/1\.1 413 /);
    t.regex(received, /Connection: close/i);
  }));

test('a client that goes away in the middle of a body harms nothing', (t) =>
  inWorld(async ({ port, requests, order }) => {
    const token = await aliceToken();
    const socket = connect(port, '127.0.0.1');
    const head = `POST /v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`;
    await new Promise<void>((resolve) => socket.write(head, () => resolve()));
    socket.destroy();
    t.is((await order()).status, 202);
    t.is(requests.all().length, 1);
  }));

test('an unknown path is 404; a wrong method 405 with Allow; OPTIONS tells the methods; HEAD is GET without a body', (t) =>
  inWorld(async ({ call }) => {
    t.is((await call('GET', '/v2/orders')).body['type'], '/problems/not-found');
    const wrong = await call('DELETE', '/v1/orders');
    t.is(wrong.status, 405);
    t.is(wrong.body['type'], '/problems/method-not-allowed');
    t.deepEqual(wrong.headers.get('allow')?.split(', ').toSorted(), ['GET', 'HEAD', 'OPTIONS', 'POST']);
    const options = await call('OPTIONS', '/v1/orders');
    t.is(options.status, 204);
    t.truthy(options.headers.get('allow'));
    t.is((await call('OPTIONS', '/v2/orders')).status, 404);
    t.is((await call('HEAD', '/v2/orders')).status, 404);
    const head = await call('HEAD', '/openapi.json');
    t.is(head.status, 200);
    t.is(head.text, '');
    t.true(Number(head.headers.get('content-length')) > 1000);
  }));

test('every problem carries what RFC 9457 and the trace need, and its type is documented', (t) =>
  inWorld(async ({ call }) => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
    const { body } = await call('GET', '/v1/orders?x=1', { headers: { traceparent } });
    t.deepEqual(Object.keys(body).toSorted(), ['detail', 'instance', 'status', 'title', 'traceId', 'type']);
    t.is(body['traceId'], '0af7651916cd43dd8448eb211c80319c');
    t.is(body['instance'], '/v1/orders');
    const all = (await call('GET', '/problems')).body['items'] as object[];
    t.is(all.length, Object.keys(problemTypes).length);
    for (const slug of Object.keys(problemTypes)) {
      const documented = await call('GET', `/problems/${slug}`);
      t.like(documented.body, {
        type: `/problems/${slug}`,
        status: problemTypes[slug as keyof typeof problemTypes].status,
      });
    }
    t.is((await call('GET', '/problems/toString')).status, 404);
  }));

test('a database that fails or hangs is 503, a fault of our own 500 without its text', async (t) => {
  const failures = [
    [
      async () => Promise.reject(Object.assign(new Error('secret'), { name: 'MongoServerSelectionError' })),
      503,
      'dependency-unavailable',
    ],
    [() => new Promise<never>(() => {}), 503, 'dependency-unavailable'],
    [async () => Promise.reject(new TypeError('secret')), 500, 'internal-error'],
  ] as const;
  for (const [find, status, slug] of failures) {
    await inWorld(
      async ({ call }) => {
        const reply = await call('GET', '/v1/orders/o1', { as: 'alice' });
        t.is(reply.status, status);
        t.is(reply.body['type'], `/problems/${slug}`);
        t.notRegex(reply.text, /secret/);
      },
      { settings: { readMs: 20 }, views: { order: { find, list: find } } },
    );
  }
});

test('beyond the limit of requests at once new ones are 429', (t) =>
  inWorld(
    async ({ order, bus, call }) => {
      const gate = Promise.withResolvers<void>();
      const reached = Promise.withResolvers<void>();
      bus.behave(() => {
        reached.resolve();
        return gate.promise;
      });
      const first = order();
      await reached.promise;
      const second = await call('GET', '/v1/orders', { as: 'alice' });
      t.is(second.status, 429);
      t.is(second.body['type'], '/problems/too-many-requests');
      gate.resolve();
      t.is((await first).status, 202);
      t.is((await call('GET', '/v1/orders', { as: 'alice' })).status, 200);
    },
    { settings: { maxInFlight: 1 } },
  ));

test('each request is one log line with its trace, without query, token or body', async (t) => {
  const lines: string[] = [];
  const write = (text: string, fields?: object): void => void lines.push(JSON.stringify([text, fields]));
  const log: Log = { debug: write, info: write, warn: write, error: write, with: () => log };
  await inWorld(
    async ({ call }) => {
      const token = await aliceToken();
      await call('GET', '/v1/orders?cursor=geheim', { token });
      t.is(lines.length, 1);
      t.regex(lines[0] ?? '', /"traceId":"[0-9a-f]{32}"/);
      t.regex(lines[0] ?? '', /"status":400/);
      t.notRegex(lines.join(''), new RegExp(`geheim|${token}`));
    },
    { log },
  );
});
