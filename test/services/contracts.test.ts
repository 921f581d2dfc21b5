import test from 'ava';
import { z } from 'zod';
import { contractMessages as messages, contractModules } from '#test/support/contract-modules.ts';
import { boundsOf, largest, partsOf } from '#test/support/schema-walk.ts';
import * as fields from '#services/fields.ts';
import { definitions } from '#services/saga/place-order-versions.ts';
import { TOO_LATE, type MessageType } from '#shared/message.ts';

/** What is asked over the exchange `control`. */
const requests = contractModules.flatMap(([file, module]) =>
  Object.entries(module)
    .filter(([name]) => name.endsWith('RequestSchema'))
    .map(([name, schema]) => ({ name: `${file} ${name}`, schema: schema as unknown })),
);
const parts = [...messages.map(({ name, body }) => ({ name, schema: body as unknown })), ...requests].flatMap(
  ({ name, schema }) => partsOf(schema, name),
);

test('there are contracts to look at', (t) => {
  t.true(messages.length > 40);
  t.true(requests.length > 2);
});

test('every string and every list of every contract has a bound', (t) => {
  const unbounded = parts.filter(
    ({ path, schema }) =>
      path !== 'pricing.put-strategy.source' && // kept outside the document
      ((schema instanceof z.ZodString && (schema.maxLength ?? Infinity) > 8000) ||
        (schema instanceof z.ZodArray && (boundsOf(schema).maxLength ?? Infinity) > 500)),
  );
  t.deepEqual(
    unbounded.map(({ path }) => path),
    [],
  );
});

test('strings of messages are bounded in bytes, whatever the script', (t) => {
  const texts = messages
    .flatMap(({ name, body }) => partsOf(body, name))
    .flatMap(({ path, schema }) => (schema instanceof z.ZodString ? [{ path, schema }] : []));
  for (const { path, schema } of texts) {
    t.false(schema.safeParse('顧'.repeat(Math.floor(schema.maxLength! / 3) + 1)).success, path);
    t.true(schema.safeParse(largest(schema)).success, path);
  }
});

test('a message of yesterday takes what the next version adds, at every level', (t) => {
  for (const { name, body } of messages) {
    const today = largest(body);
    const next = adding(today);
    t.notDeepEqual(next, today);
    t.deepEqual(body.parse(next), today, name);
  }
});

test('the next version takes a message of yesterday', (t) => {
  for (const { name, body } of messages) {
    const next = (body as z.ZodObject).extend({ added: z.string().max(10).optional() });
    t.deepEqual(next.parse(largest(body)), largest(body), name);
  }
});

test('every id that is derived from the longest ids fits an AMQP short string', (t) => {
  const order = 'o'.repeat(fields.MAX_ID_BYTES);
  const answers = (type: MessageType): string[] =>
    type.kind === 'event' ? [] : [type.done?.name, type.refused?.name, TOO_LATE].filter((name) => name !== undefined);
  const steps = definitions
    .flatMap(({ start, steps, finalNotice }) => [start, ...steps, finalNotice])
    .map(({ name }) => name);
  const ids = messages.flatMap((type) =>
    answers(type).flatMap((answer) => [
      `${order}>${answer}`,
      ...steps.flatMap((step) => [`${order}:${step}:do>${answer}`, `${order}:${step}:undo>${answer}`]),
      `${order}:cancel:${crypto.randomUUID()}>${answer}`,
    ]),
  );
  const longest = ids.toSorted((a, b) => b.length - a.length)[0]!;
  t.true(Buffer.byteLength(longest) <= 255, `${longest.length} bytes: ${longest}`);
});

test('what somebody outside gave as a reason is made to fit, and told at more length beside it', (t) => {
  const long = ['顧'.repeat(5000), '😀'.repeat(700), 'x'.repeat(100_000), '"\\'.repeat(2000)];
  for (const text of ['', '\0', 'no\r\nroom', '\ud800 x', 'declined', 'x'.repeat(201), 'x'.repeat(2000), ...long]) {
    const { reason, detail } = fields.saidFrom(text);
    t.true(fields.reason.safeParse(reason).success, reason);
    t.true(fields.detail.safeParse(detail).success, detail);
  }
  t.deepEqual(fields.saidFrom('declined'), { reason: 'declined' });
  t.deepEqual(fields.saidFrom('no\r\nroom'), { reason: 'no room' });
  t.deepEqual(fields.saidFrom('x'.repeat(200)), { reason: 'x'.repeat(200) });
  t.deepEqual(fields.saidFrom('x'.repeat(2000)), { reason: `${'x'.repeat(197)}…`, detail: 'x'.repeat(2000) });
  const mark = '… (cut: it had 100000 characters)';
  t.is(fields.saidFrom('x'.repeat(100_000)).detail, 'x'.repeat(2000 - Buffer.byteLength(mark)) + mark);
});

/** The value with one more field in each of its objects. */
function adding(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(adding);
  if (typeof value !== 'object' || value === null) return value;
  return { ...Object.fromEntries(Object.entries(value).map(([name, one]) => [name, adding(one)])), added: 'later' };
}
