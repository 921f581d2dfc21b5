import { connect } from 'node:net';
import test from 'ava';
import { Registry } from 'prom-client';
import { serveHttp } from '#shared/host/health.ts';
import { silentLog as log } from '#shared/log.ts';

const start = () =>
  serveHttp({ host: '127.0.0.1', port: 0, checks: new Map(), metrics: new Registry(), log, listener: () => undefined });

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
    t.like(JSON.parse(received.slice(received.indexOf('\r\n\r\n'))), { type: 'about:blank', status });
    t.is((await fetch(`${server.url}/livez`)).status, 200);
  });
}
