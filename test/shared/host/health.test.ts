import { connect } from 'node:net';
import test from 'ava';
import { Registry } from 'prom-client';
import { serveHttp } from '#shared/host/health.ts';
import { silentLog as log } from '#shared/log.ts';

const start = (requestMs?: number) =>
  serveHttp({
    host: '127.0.0.1',
    port: 0,
    checks: new Map(),
    metrics: new Registry(),
    log,
    listener: () => (request, response) => request.resume().on('end', () => response.end()),
    ...(requestMs !== undefined && { requestMs }),
  });

async function raw(url: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.end(Buffer.from(bytes, 'latin1'));
  let received = '';
  for await (const chunk of socket) received += String(chunk);
  return received;
}

for (const [name, bytes, status] of [
  ['bytes that are not HTTP', '\x16\x03\x01\x02\x00', 400],
  ['a path with bytes that HTTP forbids', 'GET /\xff\x00 HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['a method that does not exist', 'BREW / HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['headers beyond 16 KiB', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
] as const) {
  test(`${name} get a problem document, and the server goes on`, async (t) => {
    const server = await start();
    t.teardown(() => server.close(0));
    const received = await raw(server.url, bytes);
    t.regex(received, new RegExp(`^HTTP/1\\.1 ${status} `));
    const problem = JSON.parse(received.slice(received.indexOf('\r\n\r\n'))) as { readonly traceId: string };
    t.like(problem, { type: 'about:blank', status });
    t.regex(problem.traceId, /^[0-9a-f]{32}$/);
    t.true(received.includes(`\r\ntraceparent: 00-${problem.traceId}-`));
    t.is((await fetch(`${server.url}/livez`)).status, 200);
  });
}

for (const [name, bytes] of [
  ['headers', 'GET / HTTP/1.1\r\nHost: x\r\nX: '],
  ['a body', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345'],
] as const)
  test(`${name} without an end: a problem document comes when the time is over`, async (t) => {
    const server = await start(300);
    t.teardown(() => server.close(0));
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.write(bytes);
    let received = '';
    for await (const chunk of socket) received += String(chunk);
    t.regex(received, /^HTTP\/1\.1 408 /);
    t.regex(received, /"status":408,.*"traceId":"[0-9a-f]{32}"/);
  });
