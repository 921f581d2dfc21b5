/** Generated requests against the gateway's own HTTP server, with everything behind it in memory. */
import fc from 'fast-check';
import { broken, CARD, fromSchema, oddText } from './arbitraries.ts';
import type { Endpoint } from '#shared/web/endpoint.ts';

export interface Generated {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface Material {
  /** What stands behind `Bearer `. */
  readonly tokens: { readonly alice: string; readonly bob: string; readonly root: string; readonly expired: string };
  /** Of lists as they are. */
  readonly cursors: readonly string[];
}

const ids = ['o1', 'o2', 'alice', 'bob', 'payment', 'wallet', 'gateway', 'l1', 'l2', 'none', 'validation'];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'TRACE'];

const encoded = oddText.map((text) => encodeURIComponent(text.toWellFormed().slice(0, 500)));
const segment = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...ids) },
  { weight: 3, arbitrary: encoded },
  { weight: 2, arbitrary: fc.uuid() },
  { weight: 1, arbitrary: fc.constantFrom('%', '%ff', '%00', '..', '.', '%2e%2e', '%2f', '$ne', '*', ':id', CARD) },
);

/** A tenth of everything is not even meant for an endpoint, or asks it in another way than it can be asked. */
export function requestsTo(endpoints: readonly Endpoint[], material: Material): fc.Arbitrary<Generated> {
  const meant = fc.oneof(
    ...endpoints.map((endpoint) => ({
      weight: endpoint.idempotent ? 8 : endpoint.body === undefined ? 1 : 3,
      arbitrary: requestTo(endpoint, material),
    })),
  );
  const stray = fc
    .tuple(
      fc.constantFrom(...METHODS),
      fc.array(fc.oneof(segment, fc.constantFrom('v1', 'orders', '')), { maxLength: 6 }),
      headersOf(material),
    )
    .map(([method, parts, headers]): Generated => ({ method, target: `/${parts.join('/')}`, headers }));
  const otherMethod = fc.tuple(meant, fc.constantFrom(...METHODS)).map(([request, method]) => ({ ...request, method }));
  return fc.oneof(
    { weight: 18, arbitrary: meant },
    { weight: 1, arbitrary: stray },
    { weight: 1, arbitrary: otherMethod },
  );
}

function requestTo(endpoint: Endpoint, material: Material): fc.Arbitrary<Generated> {
  const count = (endpoint.path.match(/:\w+/g) ?? []).length;
  return fc
    .tuple(
      fc.array(segment, { minLength: count, maxLength: count }),
      queryOf(endpoint, material),
      headersOf(material, endpoint.access),
      endpoint.ifMatch === true ? ifMatch : fc.constant(undefined),
      endpoint.body === undefined ? sometimes(1, rawBody(fc.jsonValue())) : bodyOf(endpoint),
    )
    .map(([values, query, { ...headers }, tag, body]): Generated => {
      if (tag !== undefined) headers['if-match'] = tag;
      let index = 0;
      const path = endpoint.path.replaceAll(/:\w+/g, () => values[index++] ?? '');
      return {
        method: endpoint.method,
        target: query === '' ? path : `${path}?${query}`,
        headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
        ...(body !== undefined && { body }),
      };
    });
}

const ifMatch = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('*', '"1"', '"7"') },
  { weight: 1, arbitrary: fc.constantFrom(undefined, '', 'W/"1"', '"1", "2"', '"0"', `"${'9'.repeat(400)}"`) },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom('"', '1', 'W', '/', '*', ',', ' ', '\xe9') }) },
);

/** Something, `percent` times in a hundred. */
function sometimes<Value>(percent: number, some: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc.oneof({ weight: 100 - percent, arbitrary: fc.constant(undefined) }, { weight: percent, arbitrary: some });
}

/** What is known by these names, or may be. */
export const WORDS = ['alice', 'a@example.com', 'o1', 'l1', 'l2', 'sku-1', 'because'];

function bodyOf(endpoint: Endpoint): fc.Arbitrary<string | Buffer | undefined> {
  const valid = fromSchema(endpoint.body ?? fail(), WORDS);
  return fc.oneof(
    { weight: 45, arbitrary: valid.map((value) => JSON.stringify(value)) },
    { weight: 45, arbitrary: broken(valid).map((value) => JSON.stringify(value)) },
    { weight: 9, arbitrary: rawBody(valid) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
}

function fail(): never {
  throw new Error('no schema');
}

/** Not JSON, or JSON as nobody writes it. */
function rawBody(value: fc.Arbitrary<unknown>): fc.Arbitrary<string | Buffer> {
  const text = value.map((some) => JSON.stringify(some) ?? '');
  return fc.oneof(
    fc.tuple(text, fc.nat(200)).map(([json, at]) => json.slice(0, at)),
    text.map((json) => `\ufeff${json}`),
    text.map((json) => `${json}${json}`),
    text.map((json) => Buffer.from(json, 'utf16le')),
    text.map((json) => json.replace('{', '{"__proto__":{"role":"operator"},')),
    text.map((json) => json.replaceAll(/\d+/g, '1e999')),
    text.map((json) => json.replaceAll(/\d+/g, (digits) => digits.repeat(400))),
    fc.integer({ min: 1, max: 20_000 }).map((depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`),
    fc.integer({ min: 1, max: 20_000 }).map((depth) => '{"a":'.repeat(depth)),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom('', 'null', '""', '0', '[]', '{}', '"\\ud800"', '{"a":1,"a":2}', `"${'x'.repeat(1_100_000)}"`),
  );
}

function queryOf(endpoint: Endpoint, { cursors }: Material): fc.Arbitrary<string> {
  const texts = ['1', '2', '100', 'o1', 'alice', ...cursors, ...cursors];
  const valid =
    endpoint.query === undefined
      ? fc.constant({})
      : (fromSchema(endpoint.query, texts) as fc.Arbitrary<Record<string, unknown>>);
  const asked = valid.map((query) =>
    new URLSearchParams(
      Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
    ).toString(),
  );
  const cursor = fc.oneof(
    fc.constantFrom(...cursors).map((text) => text.slice(0, -2)),
    fc.constantFrom(...cursors).map((text) => `${text}AA`),
    fc.base64String(),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
    encoded,
  );
  const wrong = fc.oneof(
    cursor.map((text) => `cursor=${text}`),
    fc
      .tuple(fc.constantFrom('limit', 'cursor', 'orderId', 'state', 'route', 'customerId', 'x'), encoded)
      .map(([name, value]) => `${name}=${value}`),
    fc.constantFrom(
      'limit=1&limit=2',
      'limit[$ne]=1',
      'orderId[]=o1',
      '__proto__=1',
      '__proto__[a]=1',
      '&&==',
      '%',
      'limit',
      `cursor=${'A'.repeat(3000)}`,
    ),
  );
  const both = fc.tuple(asked, wrong).map(([query, more]) => (query === '' ? more : `${query}&${more}`));
  const none = fc.constant('');
  if (endpoint.query === undefined) return fc.oneof({ weight: 19, arbitrary: none }, { weight: 1, arbitrary: wrong });
  return fc.oneof(
    { weight: 5, arbitrary: asked },
    { weight: 3, arbitrary: wrong },
    { weight: 3, arbitrary: both },
    { weight: 1, arbitrary: none },
  );
}

/** Bytes that a header may have; what it may not is sent by `raw.ts`. */
const headerText = oddText.map((text) =>
  [...text]
    .filter((one) => /[\t -~\u0080-\u00ff]/.test(one))
    .join('')
    .slice(0, 2000),
);

function headersOf({ tokens }: Material, access?: Endpoint['access']): fc.Arbitrary<Record<string, string>> {
  const authorization = fc.oneof(
    { weight: access === 'operator' ? 4 : 65, arbitrary: fc.constant(`Bearer ${tokens.alice}`) },
    { weight: access === 'operator' ? 83 : 22, arbitrary: fc.constant(`Bearer ${tokens.root}`) },
    { weight: 5, arbitrary: fc.constant(`Bearer ${tokens.bob}`) },
    {
      weight: 8,
      arbitrary: fc.oneof(
        fc.constant(undefined),
        fc.constantFrom(
          `Bearer ${tokens.expired}`,
          `bearer  ${tokens.alice} `,
          `Bearer ${tokens.alice.slice(0, -3)}`,
          'Basic YTpi',
          'Bearer',
          'Bearer a.b.c',
        ),
        headerText.map((text) => `Bearer ${text}`),
      ),
    },
  );
  const key = fc.oneof(
    fc.constantFrom('k1', 'k2', 'k3', '"k1"', '"a\\"b"', '', ' ', 'k'.repeat(256), CARD, `"${CARD}"`),
    fc.uuid(),
    headerText,
  );
  return fc
    .record({
      authorization,
      'idempotency-key': sometimes(40, key),
      'content-type': sometimes(
        6,
        fc.oneof(
          headerText,
          fc.constantFrom(
            'text/plain',
            'application/json;charset=utf-16',
            'application/json; charset="utf-8"',
            'application/problem+json',
            'APPLICATION/JSON',
          ),
        ),
      ),
      'content-encoding': sometimes(2, fc.constantFrom('gzip', 'identity', 'br, gzip')),
      traceparent: sometimes(
        15,
        fc.oneof(
          headerText,
          fc.constantFrom(
            `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
            `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`,
            `ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
          ),
        ),
      ),
      'last-event-id': sometimes(10, fc.oneof(headerText, fc.constantFrom('1', '999999999999999', '-1', '1e9'))),
      accept: sometimes(10, fc.oneof(headerText, fc.constantFrom('text/html', '*/*;q=0', 'application/xml'))),
      'x-http-method-override': sometimes(2, fc.constant('DELETE')),
      'x-forwarded-for': sometimes(2, headerText),
      cookie: sometimes(2, headerText),
    })
    .map((headers) =>
      Object.fromEntries(Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined)),
    );
}
