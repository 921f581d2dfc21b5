import test from 'ava';
import { createMemoryActs } from '#test/services/console/acts-world.ts';
import { auditsOf } from '#test/services/console/audit-world.ts';
import { createFakeLetters } from '#test/services/console/letters-world.ts';
import { startWorld } from './world.ts';

type Json = { readonly [name: string]: Json } & { readonly $ref?: string };

test('the document describes every endpoint from the schemas that validate, and all its references lead somewhere', async (t) => {
  const faults = { apply: async () => {}, read: async () => ({}), close: async () => {} };
  const audits = auditsOf();
  const world = await startWorld({ faults, deadLetters: createFakeLetters(), audits, acts: createMemoryActs() });
  t.teardown(world.stop);
  const { body } = await world.call('GET', '/openapi.json');
  t.is(body['openapi'], '3.1.0');
  const paths = body['paths'] as Json;
  const offered = new Set(world.endpoints.flatMap(({ path }) => (path.startsWith('/v1') ? [path] : [])));
  t.is(Object.keys(paths).filter((path) => path.startsWith('/v1')).length, offered.size);
  const place = (
    paths['/v1/orders'] as unknown as {
      post: {
        requestBody: { content: { 'application/json': { schema: Json } } };
        parameters: { name: string }[];
        responses: Json;
      };
    }
  ).post;
  const schema = place.requestBody.content['application/json'].schema as unknown as {
    additionalProperties: boolean;
    required: string[];
    properties: { items: { maxItems: number } };
  };
  t.false(schema.additionalProperties);
  t.deepEqual(schema.required, ['customerId', 'email', 'items'], 'the payment method has a default');
  t.is(schema.properties.items.maxItems, 100);
  t.is(place.parameters[0]?.name, 'Idempotency-Key');
  t.deepEqual(Object.keys(place.responses).toSorted(), [
    '202',
    '400',
    '401',
    '403',
    '408',
    '409',
    '413',
    '415',
    '422',
    '429',
    '431',
    '500',
    '503',
    '504',
  ]);

  const references = [...JSON.stringify(body).matchAll(/"\$ref":"([^"]+)"/g)].map(([, target]) => target ?? '');
  t.true(references.length > 20);
  for (const target of new Set(references)) {
    const found = target
      .slice(2)
      .split('/')
      .reduce<Json | undefined>((at, name) => at?.[name], body as Json);
    t.truthy(found, target);
    t.is(found?.$ref, undefined, `${target} is defined, not referred to`);
  }
});
