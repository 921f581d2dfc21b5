import fc from 'fast-check';

/** Bytes that are no HTTP request, or one that nobody should send. Each connection ends after them. */
export function malformed(token: string): fc.Arbitrary<string> {
  const auth = `Host: x\r\nAuthorization: Bearer ${token}\r\n`;
  const json = `${auth}Content-Type: application/json\r\n`;
  const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
  const number = fc.oneof(fc.integer(), fc.constantFrom('1e3', '0x10', '+2', '99999999999999999999', '', ' ', '2,2'));
  return fc.oneof(
    noise,
    noise.map((text) => `GET /v1/orders HTTP/1.1\r\n${auth}X: ${text}\r\n\r\n`),
    noise.map((text) => `GET /${text} HTTP/1.1\r\n${auth}\r\n`),
    noise.map((text) => `${text.slice(0, 20)} /v1/orders HTTP/1.1\r\n${auth}\r\n`),
    noise.map((text) => `POST /v1/orders HTTP/1.1\r\n${json}Transfer-Encoding: chunked\r\n\r\n${text}`),
    noise.map((text) => `POST /v1/orders HTTP/1.1\r\n${json}Idempotency-Key: ${text}\r\nContent-Length: 2\r\n\r\n{}`),
    number.map((length) => `POST /v1/orders HTTP/1.1\r\n${json}Content-Length: ${length}\r\n\r\n{}`),
    number.map(
      (length) => `POST /v1/orders HTTP/1.1\r\n${json}Transfer-Encoding: chunked\r\n\r\n${length}\r\n{}\r\n0\r\n\r\n`,
    ),
    fc.integer({ min: 1, max: 40_000 }).map((length) => `GET /v1/orders/${'x'.repeat(length)} HTTP/1.1\r\n${auth}\r\n`),
    fc
      .integer({ min: 1, max: 3000 })
      .map((count) => `GET /v1/orders HTTP/1.1\r\n${auth}${'A: b\r\n'.repeat(count)}\r\n`),
    fc.constantFrom(
      `POST /v1/orders HTTP/1.1\r\n${json}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `POST /v1/orders HTTP/1.1\r\n${json}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
      `POST /v1/orders HTTP/1.1\r\n${json}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}`,
      `POST /v1/orders HTTP/1.1\r\n${json}Expect: miracles\r\nContent-Length: 2\r\n\r\n{}`,
      `POST /v1/orders HTTP/1.1\r\n${json}Transfer-Encoding: gzip\r\n\r\n{}`,
      `GET /v1/orders HTTP/1.1\r\nAuthorization: Bearer ${token}\r\n\r\n`,
      `GET /v1/orders HTTP/1.1\r\n${auth}Host: y\r\n\r\n`,
      `GET /v1/orders HTTP/1.1\r\n${auth}Authorization: Bearer x\r\n\r\n`,
      `GET /v1/orders HTTP/1.1\r\n${auth}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      `GET /v1/orders HTTP/1.1\r\n${auth}A: b\r\n c\r\n\r\n`,
      `GET http://elsewhere.example/v1/orders HTTP/1.1\r\n${auth}\r\n`,
      `GET //elsewhere.example/v1/orders HTTP/1.1\r\n${auth}\r\n`,
      `GET ? HTTP/1.1\r\n${auth}\r\n`,
      `OPTIONS * HTTP/1.1\r\n${auth}\r\n`,
      `CONNECT x:443 HTTP/1.1\r\n${auth}\r\n`,
      'GET /v1/orders HTTP/0.9\r\n\r\n',
      'GET /v1/orders HTTP/2.0\r\n\r\n',
      'GET /v1/orders\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      '',
    ),
  );
}
