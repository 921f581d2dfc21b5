import test, { type ExecutionContext } from 'ava';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { httpProvider } from '#services/payment/http-provider.ts';

async function answering(t: ExecutionContext, listener: RequestListener): Promise<ReturnType<typeof httpProvider>> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return httpProvider({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2` });
}

const call = (signal = AbortSignal.timeout(5000)) => ({ paymentId: 'p1', idempotencyKey: 'p1:capture', signal });

test('every call carries its key and trace context under the base path', async (t) => {
  let request: IncomingMessage | undefined;
  const client = await answering(t, (incoming, response) => {
    request = incoming;
    response.end('{"status":"captured"}');
  });
  await client.capture({ ...call(), traceparent: '00-a-b-01' });
  t.is(request?.url, '/v2/captures');
  t.like(request?.headers, { 'idempotency-key': 'p1:capture', traceparent: '00-a-b-01' });
});

for (const [status, body] of [
  [500, '{"status":"captured"}'],
  [503, ''],
  [404, '{"status":"captured"}'],
  [200, 'not json'],
  [200, '{}'],
  [402, '{}'],
  [302, '{}'],
] as const) {
  test(`an answer of ${status} with ${body || 'nothing'} is an unknown outcome, never a refusal`, async (t) => {
    const client = await answering(
      t,
      (_request, response) => void response.writeHead(status, { location: '/elsewhere' }).end(body),
    );
    await t.throwsAsync(client.capture(call()));
  });
}

for (const characters of [200, 300, 2000, 100_000])
  test(`a decline whose reason has ${characters} characters is a refusal, with as much of it as messages carry`, async (t) => {
    const text = 'a'.repeat(characters);
    const client = await answering(
      t,
      (_request, response) => void response.writeHead(402).end(JSON.stringify({ reason: text })),
    );
    const outcome = await client.capture(call());
    if (characters === 200) return t.deepEqual(outcome, { approved: false, reason: text });
    t.like(outcome, { approved: false, reason: `${'a'.repeat(197)}…` });
    const { detail = '' } = outcome as { readonly detail?: string };
    if (characters > 2000) return t.regex(detail, /^a{1900}a*… \(cut: it had 100000 characters\)$/);
    t.is(detail, text);
  });

test('a refused void or refund is an error, because neither may be refused', async (t) => {
  const client = await answering(t, (_request, response) => void response.writeHead(402).end('{"reason":"no"}'));
  await t.throwsAsync(client.void(call()), { message: /refused/ });
  await t.throwsAsync(client.refund(call()), { message: /refused/ });
});

test('a provider that says nothing, or stops in the middle of its answer, is given up when the signal says so', async (t) => {
  const silent = await answering(t, () => {});
  await t.throwsAsync(silent.capture(call(AbortSignal.timeout(100))), { name: 'TimeoutError' });
  const stuck = await answering(t, (_request, response) => void response.writeHead(200).write('{'));
  await t.throwsAsync(stuck.capture(call(AbortSignal.timeout(100))), { name: 'TimeoutError' });
});
