import fc from 'fast-check';
import test from 'ava';
import type { Packet } from '#shared/bus/bus.ts';
import { withoutDeaths } from '#shared/bus/deaths.ts';
import { decode, encode, sentAtOf } from '#shared/bus/envelope.ts';
import { InvalidMessage } from '#shared/errors.ts';
import type { Message } from '#shared/message.ts';

const short = fc
  .string({ minLength: 1, maxLength: 60, unit: 'grapheme' })
  .filter((value) => Buffer.byteLength(value) <= 255);
const optional = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(value, { nil: undefined });

const messages: fc.Arbitrary<Message> = fc
  .record({
    id: short,
    type: short,
    key: fc.string({ minLength: 1, maxLength: 300, unit: 'grapheme' }),
    correlationId: short,
    body: fc.jsonValue({ noUnicodeString: false }),
    causationId: optional(short),
    traceparent: optional(short),
    deadline: optional(fc.maxSafeNat()),
    rememberUntil: optional(fc.maxSafeNat()),
    replyTo: optional(fc.record({ route: short, key: short })),
    redriven: optional(fc.nat()),
  })
  .map(
    (message) =>
      Object.fromEntries(Object.entries(message).filter(([, value]) => value !== undefined)) as unknown as Message,
  );

test('what is encoded decodes to the same message', (t) => {
  fc.assert(
    fc.property(messages, (message) => t.deepEqual(decode(encode(message)), JSON.parse(JSON.stringify(message)))),
  );
  t.pass();
});

const good: Packet = encode({ id: 'i', type: 'a.b', key: 'k', correlationId: 'c', body: {} });

const bad: readonly [string, Partial<Packet>, RegExp][] = [
  ['body that is not JSON', { content: Buffer.from('{"a":') }, /body is not JSON/],
  ['empty body', { content: Buffer.alloc(0) }, /body is not JSON/],
  ['body that is not UTF-8', { content: Buffer.from([0x22, 0xc3, 0x22]) }, /body is not UTF-8/],
  ['empty message id', { messageId: '' }, /message id is missing/],
  ['empty type', { type: '' }, /type is missing/],
  ['empty correlation id', { correlationId: '' }, /correlation id is missing/],
  ['missing key', { headers: {} }, /header key is missing/],
  ['number as key', { headers: { key: 1 } }, /header key is not a text/],
  ['text as deadline', { headers: { key: 'k', deadline: 'soon' } }, /header deadline is not a whole number/],
  ['fraction as deadline', { headers: { key: 'k', deadline: 1.5 } }, /header deadline/],
  ['half a reply address', { headers: { key: 'k', 'reply-route': 'saga' } }, /header reply-key is missing/],
  ['list as cause', { headers: { key: 'k', 'causation-id': ['a'] } }, /header causation-id is not a text/],
];

for (const [what, part, message] of bad) {
  test(`a packet with ${what} is no message`, (t) => {
    t.throws(() => decode({ ...good, ...part }), { instanceOf: InvalidMessage, message });
  });
}

test('what AMQP cannot carry is refused when it is encoded', (t) => {
  const message: Message = { id: 'é'.repeat(128), type: 'a.b', key: 'k', correlationId: 'c', body: {} };
  t.throws(() => encode(message), { instanceOf: InvalidMessage, message: /id is longer than 255 bytes/ });
  t.notThrows(() => encode({ ...message, id: 'e'.repeat(255) }));
});

test('the time of the publish is told of a packet that came straight from its publisher, and is no part of the message', (t) => {
  const message = { id: 'i', type: 'a.b', key: 'k', correlationId: 'c', body: {} };
  const packet = encode(message, 1234);
  const after = (headers: Packet['headers']): Packet => ({ ...packet, headers: { ...packet.headers, ...headers } });
  t.deepEqual(decode(packet), message);
  t.is(sentAtOf({ packet, redelivered: false }), 1234);
  t.is(sentAtOf({ packet: encode(message), redelivered: false }), undefined, 'its publisher did not say');
  t.is(sentAtOf({ packet, redelivered: true }), undefined, 'somebody else had it before');
  const held = after({ 'x-death': [{ queue: 'q', reason: 'expired', count: 1 }] });
  t.is(sentAtOf({ packet: held, redelivered: false }), undefined, 'it was held back');
  const again = { ...held, headers: withoutDeaths(held.headers) };
  t.deepEqual(again, encode(message));
  t.is(sentAtOf({ packet: after({ 'sent-at': 'soon' }), redelivered: false }), undefined);
});
