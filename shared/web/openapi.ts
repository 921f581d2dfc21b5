import { z } from 'zod';
import type { Endpoint } from './endpoint.ts';
import { idempotencyKey } from './parameters.ts';
import { problemResponses, responseHeaders, responsesOf } from './openapi-responses.ts';
import { components, schemaOf, type Json } from './openapi-schemas.ts';

/** The OpenAPI 3.1 document of a table of endpoints, from the schemas that validate them. */
export function openApiOf(endpoints: readonly Endpoint[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const endpoint of endpoints)
    (paths[templateOf(endpoint.path)] ??= {})[endpoint.method.toLowerCase()] = operationOf(endpoint);
  const tags = new Map(endpoints.map(({ tag }) => [tag.name, tag]));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Switchyard',
      version: '1',
      description:
        'Orders, wallets and payments over RabbitMQ. Money is in integer minor units; times are RFC 3339 UTC. Every error is a problem (RFC 9457); `GET /problems` explains each.',
    },
    servers: [{ url: '/', description: 'Where this document was read.' }],
    tags: [...tags.values()],
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'Of a customer (`sub` is its id), or of an operator (`role` is `operator`).',
        },
      },
      headers: responseHeaders,
      responses: problemResponses,
      schemas: components(),
    },
  };
}

function operationOf(endpoint: Endpoint): Json {
  const { body, bodyOptional, id, summary, description, tag, example } = endpoint;
  const parameters = [
    ...pathParameters(endpoint),
    ...queryParameters(endpoint.query),
    ...(endpoint.idempotent ? [idempotencyHeader] : []),
    ...(endpoint.ifMatch ? [ifMatchHeader] : []),
    ...(endpoint.produces === 'text/event-stream' ? [lastEventIdHeader] : []),
    traceparentHeader,
  ];
  return {
    operationId: id,
    tags: [tag.name],
    summary,
    ...(description !== undefined && { description }),
    ...(endpoint.access === 'public' && { security: [] }),
    parameters,
    ...(body && {
      requestBody: {
        required: bodyOptional !== true,
        content: {
          'application/json': { schema: schemaOf(body, 'input'), ...(example !== undefined && { example }) },
        },
      },
    }),
    responses: responsesOf(endpoint),
  };
}

function pathParameters({ path, params = {} }: Endpoint): readonly Json[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    ...(params[name] !== undefined && { description: params[name] }),
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodType | undefined): readonly Json[] {
  if (!(query instanceof z.ZodObject)) return [];
  return Object.entries(query.shape as z.ZodRawShape).map(([name, type]) => {
    const { description, ...schema } = schemaOf(type as z.ZodType, 'output');
    return {
      name,
      in: 'query',
      required: !z.safeParse(type, undefined).success,
      ...(description !== undefined && { description }),
      schema,
    };
  });
}

const idempotencyHeader: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Bare or quoted; the same key with the same request is answered the same for 24 hours.',
  schema: schemaOf(idempotencyKey, 'output'),
  example: 'b1c8a6f2-order-17',
};

const ifMatchHeader: Json = {
  name: 'If-Match',
  in: 'header',
  required: true,
  description: 'The `ETag` of the version that was read (RFC 9110, 13.1.1); `*`: whichever there is.',
  schema: { type: 'string' },
  example: '"3"',
};

const lastEventIdHeader: Json = {
  name: 'Last-Event-ID',
  in: 'header',
  required: false,
  description: 'The id of the last event that was received: what happened since comes first.',
  schema: { type: 'string', pattern: '^[0-9]{1,15}$' },
};

const traceparentHeader: Json = {
  name: 'traceparent',
  in: 'header',
  required: false,
  description: 'The trace that the request belongs to (W3C Trace Context); everything that it causes carries it on.',
  schema: { type: 'string' },
};

function templateOf(path: string): string {
  return path.replaceAll(/:(\w+)/g, '{$1}');
}
