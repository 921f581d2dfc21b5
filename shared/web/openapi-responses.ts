import { nothing, type Endpoint, type ResponseHeader } from './endpoint.ts';
import { exampleOf } from './openapi-examples.ts';
import { type ProblemExample, problemExample, unreadProblem } from './problem-examples.ts';
import { schemaOf, type Json } from './openapi-schemas.ts';
import { problemTypes, type ProblemSlug } from './problem-types.ts';

/** Every answer that an endpoint may give: its own, and the problems that follow from what it takes. */
export function responsesOf(endpoint: Endpoint): Json {
  return { ...successes(endpoint), ...problems(endpoint) };
}

/** The headers of answers, by name; `headersOf` refers to them. */
export const responseHeaders: Readonly<Record<ResponseHeader, Json>> = {
  traceparent: {
    description: 'The trace that the request belongs to (W3C Trace Context): the one that it named, or a new one.',
    schema: { type: 'string' },
    example: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  },
  Location: {
    description: 'Where to read what was made or what becomes of the request.',
    schema: { type: 'string', format: 'uri-reference' },
  },
  ETag: {
    description: 'The version of what is shown or was made (RFC 9110, 8.8.3); `If-Match` takes it as it is.',
    schema: { type: 'string' },
    example: '"3"',
  },
  'Retry-After': {
    description: 'After how many seconds it is worth while to ask again.',
    schema: { type: 'integer', minimum: 1 },
    example: 1,
  },
  'Idempotency-Replayed': {
    description: '`true`: the answer of an earlier request with this key. Absent: this request was the first.',
    schema: { type: 'string', enum: ['true'] },
  },
  'WWW-Authenticate': {
    description: 'The challenge (RFC 6750), with the reason when a token was sent.',
    schema: { type: 'string' },
    example: 'Bearer realm="switchyard"',
  },
};

const titles: Readonly<Record<string, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'No Content' };

function successes({ answers, headers = {}, idempotent, events, produces = 'application/json' }: Endpoint): Json {
  return Object.fromEntries(
    Object.entries(answers).map(([status, schema]) => {
      const own = headers[Number(status)] ?? [];
      const names = [...own, ...(idempotent === true ? (['Idempotency-Replayed'] as const) : [])];
      const told = { description: titles[status] ?? 'Done', headers: headersOf(names) };
      if (schema === nothing) return [status, told];
      const content = {
        schema: schemaOf(schema, 'output'),
        example: events === undefined ? exampleOf(schema) : streamOf(events),
        ...(events && { 'x-events': eventsOf(events) }),
      };
      return [status, { ...told, content: { [produces]: content } }];
    }),
  );
}

/** OpenAPI 3.1 has no words for the events of a stream: by name, the schema of the JSON in `data`. */
function eventsOf(events: NonNullable<Endpoint['events']>): Json {
  return Object.fromEntries(Object.entries(events).map(([name, schema]) => [name, schemaOf(schema, 'output')]));
}

/** As the events go over the wire. */
function streamOf(events: NonNullable<Endpoint['events']>): string {
  return Object.entries(events)
    .map(([name, schema], index) => `id: ${index + 1}\nevent: ${name}\ndata: ${JSON.stringify(exampleOf(schema))}\n\n`)
    .join('');
}

function headersOf(names: readonly ResponseHeader[]): Json {
  return Object.fromEntries(
    ['traceparent' as const, ...names].map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
}

const headersOfProblems: Readonly<Record<string, readonly ResponseHeader[]>> = {
  401: ['WWW-Authenticate'],
  409: ['Retry-After'],
  412: ['ETag'],
  429: ['Retry-After'],
  503: ['Retry-After'],
  504: ['Retry-After'],
};

/** Of requests that no endpoint gets to see. */
const unread: Readonly<Record<string, string>> = {
  408: 'The request did not come whole within 30 seconds. `type` is `about:blank`.',
  431: 'The headers have more than 16 KiB. `type` is `about:blank`.',
};

/** Problems that are the only one of their status at an endpoint are described here, once. */
export const problemResponses: Json = Object.fromEntries<Json>([
  ...slugs().map((slug): [string, Json] => [
    slug,
    problemOf(problemTypes[slug].status, wordsFor(slug), [problemExample(slug)]),
  ]),
  ...Object.entries(unread).map(([status, words]): [string, Json] => [
    `status-${status}`,
    problemOf(Number(status), words, [unreadProblem(Number(status))]),
  ]),
]);

function problems(endpoint: Endpoint): Json {
  const byStatus = Map.groupBy(slugsOf(endpoint), (slug) => problemTypes[slug].status);
  const told = [...byStatus].map(([status, of]): [number | string, Json] => {
    const own = endpoint.headers?.[status];
    if (of.length === 1 && own === undefined) return [status, reference(of[0]!)];
    return [status, problemOf(status, of.map(wordsFor).join(' '), of.map(problemExample), own)];
  });
  return Object.fromEntries([
    ...told,
    ...Object.keys(unread).map((status): [string, Json] => [status, reference(`status-${status}`)]),
  ]);
}

function slugs(): readonly ProblemSlug[] {
  return Object.keys(problemTypes) as ProblemSlug[];
}

function wordsFor(slug: ProblemSlug): string {
  return `${problemTypes[slug].title}: \`/problems/${slug}\`.`;
}

function problemOf(
  status: number,
  description: string,
  examples: readonly ProblemExample[],
  own: readonly ResponseHeader[] = [],
): Json {
  const headers = headersOf([...(headersOfProblems[status] ?? []), ...own]);
  const [only, ...others] = examples;
  const shown =
    others.length === 0
      ? { example: only?.value }
      : { examples: Object.fromEntries(examples.map(({ name, value }) => [name, { summary: value.title, value }])) };
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' }, ...shown } };
  return { description, headers, content };
}

function reference(name: string): Json {
  return { $ref: `#/components/responses/${name}` };
}

function slugsOf({
  access,
  body,
  query,
  idempotent,
  ifMatch,
  path,
  problems: own = [],
}: Endpoint): readonly ProblemSlug[] {
  return [
    'internal-error',
    ...(query || body || ifMatch ? (['validation'] as const) : []),
    ...(body ? (['malformed-json', 'payload-too-large', 'unsupported-media-type'] as const) : []),
    ...(access === 'public'
      ? []
      : (['unauthorized', 'forbidden', 'too-many-requests', 'dependency-unavailable'] as const)),
    ...(path.includes(':') ? (['not-found'] as const) : []),
    ...(ifMatch ? (['precondition-required', 'precondition-failed'] as const) : []),
    ...own,
    ...(idempotent
      ? ([
          'idempotency-key-in-use',
          'invalid-transition',
          'idempotency-key-reused',
          'breaker-open',
          'outcome-unknown',
        ] as const)
      : []),
  ];
}
