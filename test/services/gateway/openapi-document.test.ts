/** What other people's tools make of the OpenAPI document. */
import { Validator } from '@seriousme/openapi-schema-validator';
import test from 'ava';
import { z } from 'zod';
import { startWorld, type World } from './world.ts';
import { createMemoryActs } from '#test/services/console/acts-world.ts';
import { auditsOf } from '#test/services/console/audit-world.ts';
import { createFakeLetters } from '#test/services/console/letters-world.ts';
import { nothing } from '#shared/web/endpoint.ts';
import { exampleOf } from '#shared/web/openapi-examples.ts';
import { namedShapes } from '#shared/web/shapes.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}
interface Response {
  readonly $ref?: string;
  readonly description: string;
  readonly headers: Readonly<Record<string, unknown>>;
}
interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly description?: string }[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly example?: unknown } } };
  readonly responses: Readonly<Record<string, Response>>;
}
interface Document {
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly responses: Readonly<Record<string, Response>>;
  };
}

const problem = namedShapes._idmap.get('Problem') as z.ZodType;
let world: World;
let console: World;
let document: Document;

test.before(async () => {
  const faults = { apply: async () => {}, read: async () => ({}), close: async () => {} };
  const audits = auditsOf();
  const options = { faults, deadLetters: createFakeLetters(), audits, acts: createMemoryActs() };
  world = await startWorld(options);
  console = await startWorld({ ...options, door: 'operators' });
  document = (await world.call('GET', '/openapi.json')).body as unknown as Document;
});
test.after.always(() => Promise.all([world.stop(), console.stop()]));

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
const resolved = (response: Response): Response =>
  response.$ref === undefined ? response : document.components.responses[response.$ref.split('/').at(-1)!]!;

/** Every object in the document that says `properties` or `pattern`, with where it is. */
function schemas(at: unknown, where = ''): readonly { readonly where: string; readonly schema: Schema }[] {
  if (typeof at !== 'object' || at === null) return [];
  const below = Object.entries(at).flatMap(([name, part]) => schemas(part, `${where}/${name}`));
  const { properties, pattern } = at as Schema;
  return typeof properties === 'object' || typeof pattern === 'string' ? [{ where, schema: at }, ...below] : below;
}

test('a validator that knows OpenAPI finds nothing wrong with the document, and something with a broken one', async (t) => {
  const validator = new Validator();
  t.deepEqual(await validator.validate({ ...structuredClone(document) }), { valid: true });
  t.is(validator.version, '3.1');
  const { body } = await console.call('GET', '/openapi.json');
  t.deepEqual(await new Validator().validate(structuredClone(body)), { valid: true });
  const broken = { ...structuredClone(document), paths: { '/v1/orders': { get: { responses: { 200: {} } } } } };
  t.false((await new Validator().validate(broken)).valid);
});

test('every operation has a name of its own, a group that is described, and says what each parameter is', (t) => {
  const ids = operations().map(({ operation }) => operation.operationId);
  t.true(ids.length >= 29);
  t.is(new Set(ids).size, ids.length);
  for (const id of ids) t.regex(id, /^[a-z][A-Za-z]+$/);
  const groups = new Set(document.tags.map(({ name }) => name));
  for (const { path, method, operation } of operations()) {
    t.is(operation.tags.filter((tag) => groups.has(tag)).length, 1, `${method} ${path}`);
    t.true(operation.summary.length < 120, operation.summary);
    for (const { name, description } of operation.parameters) t.truthy(description, `${method} ${path} ${name}`);
  }
  t.deepEqual(
    document.servers.map(({ url }) => url),
    ['/'],
  );
});

test('every field that is sent or received is described', (t) => {
  const undescribed = schemas(document).flatMap(({ where, schema }) =>
    Object.entries(schema.properties ?? {})
      .filter(([, field]) => field.description === undefined)
      .map(([name]) => `${where}/${name}`),
  );
  t.deepEqual(undescribed, []);
});

test('patterns are such that readers in Go, Python and Java take them', (t) => {
  const patterns = schemas(document).flatMap(({ schema }) => schema.pattern ?? []);
  t.true(patterns.length > 10);
  for (const pattern of patterns) t.notRegex(pattern, /\\[pPuUk]|\(\?[=!<]|\[\^?\[/, pattern);
});

test('answers say which headers they have', (t) => {
  for (const { path, method, operation } of operations())
    for (const [status, response] of Object.entries(operation.responses)) {
      const { headers, description } = resolved(response);
      const has = (name: string): boolean => name in headers;
      const where = `${method} ${path} ${status}`;
      t.true(has('traceparent') && description.length > 1, where);
      t.is(has('WWW-Authenticate'), status === '401', where);
      if (['201', '202'].includes(status) && !path.includes('dead-letters')) t.true(has('Location'), where);
      if (['429', '503', '504'].includes(status)) t.true(has('Retry-After'), where);
    }
  const { place, audit } = {
    place: document.paths['/v1/orders']!['post']!,
    audit: document.paths['/v1/audit']!['post']!,
  };
  t.true('Idempotency-Replayed' in place.responses['202']!.headers);
  t.true('Location' in resolved(audit.responses['409']!).headers);
});

test('what may go wrong is told where it may: strangers, an audit that runs, requests that cannot be read', (t) => {
  for (const path of ['/v1/payments', '/v1/deliveries']) t.truthy(document.paths[path]?.['get']?.responses['404']);
  t.truthy(document.paths['/v1/audit']?.['post']?.responses['409']);
  for (const { operation } of operations())
    for (const status of ['408', '431', '500']) t.truthy(operation.responses[status], operation.operationId);
});

test('each example of an answer has the shape that it stands at', (t) => {
  let examples = 0;
  for (const [id, shape] of namedShapes._idmap) {
    const { examples: own = [] } = (z.globalRegistry.get(shape) ?? {}) as { readonly examples?: readonly unknown[] };
    for (const example of own) {
      const result = z.safeParse(shape, example);
      t.true(result.success, `${id} ${result.error?.message}`);
      examples += 1;
    }
  }
  t.true(examples >= 8);
});

test('each example of a body is one that is taken', async (t) => {
  const bodies = operations().filter(({ operation }) => operation.requestBody !== undefined);
  t.true(bodies.length >= 9);
  for (const { path, method, operation } of bodies) {
    const { example } = operation.requestBody!.content['application/json'];
    t.truthy(example, operation.operationId);
    const at = path.replaceAll(/\{\w+\}/g, 'payment');
    const answer = await world.call(method.toUpperCase(), at, { as: 'root', role: 'operator', body: example });
    t.false([400, 405, 415].includes(answer.status), `${operation.operationId} ${answer.status} ${answer.text}`);
  }
});

test('many dead letters are not replayed without a word about which: the document says so as the API does', async (t) => {
  const replay = document.paths['/v1/dead-letters/replay']!['post']! as unknown as {
    readonly requestBody: { readonly content: { readonly 'application/json': { readonly schema: object } } };
  };
  t.like(replay.requestBody.content['application/json'].schema, {
    anyOf: [{ required: ['ids'] }, { required: ['route'] }, { required: ['type'] }, { required: ['cause'] }],
  });
});

interface Content {
  readonly schema: object;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

test('every answer has an example, problems one of each kind, and it is of the shape that the answer has', (t) => {
  const tables = world.endpoints.map((one) => [`${one.method} ${one.path}`, one] as const);
  t.true(tables.length >= 30);
  for (const { path, method, operation } of operations())
    for (const [status, response] of Object.entries(operation.responses)) {
      const { content = {} } = resolved(response) as { readonly content?: Readonly<Record<string, Content>> };
      for (const { example, examples } of Object.values(content)) {
        const values = examples === undefined ? [example] : Object.values(examples).map(({ value }) => value);
        t.true(values.length > 0);
        for (const value of values) t.not(value, undefined, `${method} ${path} ${status}`);
        for (const value of Number(status) >= 400 ? values : [])
          t.true(z.safeParse(problem, value).success, `${method} ${path} ${status}`);
      }
    }
  for (const [name, { answers, events }] of tables)
    for (const schema of Object.values(answers)) {
      if (schema === nothing || events !== undefined) continue;
      const result = z.safeParse(schema, exampleOf(schema));
      t.true(result.success, `${name} ${result.error?.message}`);
    }
});
