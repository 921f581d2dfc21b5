import { z } from 'zod';
import type { Endpoint } from './endpoint.ts';
import { problemTypes, type ProblemSlug } from './problems.ts';
import { idempotencyKey } from './parameters.ts';
import { namedShapes } from './shapes.ts';

type Json = Readonly<Record<string, unknown>>;

/** The OpenAPI 3.1 document of a table of endpoints, from the schemas that validate them. */
export function openApiOf(endpoints: readonly Endpoint[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const endpoint of endpoints)
    (paths[templateOf(endpoint.path)] ??= {})[endpoint.method.toLowerCase()] = operationOf(endpoint);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Switchyard',
      version: '1',
      description:
        'Orders, wallets and payments over RabbitMQ. Money is in integer minor units; times are RFC 3339 UTC.',
    },
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: components(),
    },
  };
}

function operationOf(endpoint: Endpoint): Json {
  const { body, bodyOptional, summary } = endpoint;
  return {
    summary,
    ...(endpoint.access === 'public' && { security: [] }),
    parameters: [
      ...pathParameters(endpoint.path),
      ...queryParameters(endpoint.query),
      ...(endpoint.idempotent ? [idempotencyHeader] : []),
      ...(endpoint.produces === 'text/event-stream' ? [lastEventIdHeader] : []),
    ],
    ...(body && {
      requestBody: {
        required: bodyOptional !== true,
        content: { 'application/json': { schema: schemaOf(body, 'input') } },
      },
    }),
    responses: { ...successes(endpoint), ...problems(endpoint) },
  };
}

function successes({ answers, produces = 'application/json' }: Endpoint): Json {
  return Object.fromEntries(
    Object.entries(answers).map(([status, schema]) => [
      status,
      {
        description: titles[status] ?? 'Done',
        content: { [produces]: { schema: schemaOf(schema, 'output') } },
      },
    ]),
  );
}

const titles: Readonly<Record<string, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted' };

function problems(endpoint: Endpoint): Json {
  const byStatus = Map.groupBy(slugsOf(endpoint), (slug) => problemTypes[slug].status);
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  return Object.fromEntries(
    [...byStatus].map(([status, slugs]) => [
      status,
      { description: slugs.map((slug) => `/problems/${slug}`).join(', '), content },
    ]),
  );
}

function slugsOf({ access, body, query, idempotent, path, problems: own = [] }: Endpoint): readonly ProblemSlug[] {
  return [
    ...(query || body ? (['validation'] as const) : []),
    ...(body ? (['malformed-json', 'payload-too-large', 'unsupported-media-type'] as const) : []),
    ...(access === 'public'
      ? []
      : (['unauthorized', 'forbidden', 'too-many-requests', 'dependency-unavailable'] as const)),
    ...(path.includes(':') ? (['not-found'] as const) : []),
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

function pathParameters(path: string): readonly Json[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodType | undefined): readonly Json[] {
  if (!(query instanceof z.ZodObject)) return [];
  return Object.entries(query.shape as z.ZodRawShape).map(([name, schema]) => ({
    name,
    in: 'query',
    required: !z.safeParse(schema, undefined).success,
    schema: schemaOf(schema as z.ZodType, 'output'),
  }));
}

const idempotencyHeader: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Bare or quoted; the same key with the same request is answered the same for 24 hours.',
  schema: schemaOf(idempotencyKey, 'output'),
};

const lastEventIdHeader: Json = {
  name: 'Last-Event-ID',
  in: 'header',
  required: false,
  description: 'The id of the last event that was received: what happened since comes first.',
  schema: { type: 'string' },
};

function templateOf(path: string): string {
  return path.replaceAll(/:(\w+)/g, '{$1}');
}

function components(): Json {
  const { schemas } = z.toJSONSchema(namedShapes, { io: 'output', uri: (name) => `#/components/schemas/${name}` });
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, withoutId(schema)]));
}

/** JSON Schema 2020-12, with references to the shapes that have names. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const json = z.toJSONSchema(schema, { io, metadata: namedShapes });
  return JSON.parse(JSON.stringify(withoutId(json)).replaceAll('"#/$defs/', '"#/components/schemas/')) as Json;
}

/** What stands for itself in a schema of its own, but not inside another document. */
function withoutId(schema: object): Json {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => !['$schema', '$id', '$defs'].includes(name)));
}
