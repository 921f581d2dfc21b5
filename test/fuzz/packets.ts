import fc from 'fast-check';
import { broken, fromSchema, oddText, oddValue } from './arbitraries.ts';
import type { HeaderTable, HeaderValue, Packet } from '#shared/bus/bus.ts';
import type { Handler } from '#shared/entity/entity.ts';
import { TOO_LATE, WAKE } from '#shared/message.ts';

const orders = ['o1', 'o2', 'o3'];
const texts = [
  ...orders,
  ...orders.flatMap((id) => [`pay-${id}`, `hold-${id}`, `dlv-${id}`]),
  'alice',
  'bob',
  'pm_ok',
  'a@example.com',
];
const id = fc.oneof(
  { weight: 5, arbitrary: fc.uuid() },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom(...orders),
        fc.constantFrom('place', 'cancel', 'hold-funds:do', 'hold-funds:undo', 'create-payment:do'),
      )
      .map((parts) => parts.join(':')),
  },
);

/** A message for an entity with these handlers, or something that claims to be one. `nowMs`: for deadlines. */
export function packetFor(handlers: readonly Pick<Handler<unknown>, 'type'>[], nowMs: number): fc.Arbitrary<Packet> {
  return fc.oneof(
    ...handlers.map(({ type }) => {
      const good = fromSchema(type.body, texts);
      const body = fc.oneof({ weight: 3, arbitrary: good }, { weight: 2, arbitrary: broken(good) });
      return fc
        .tuple(body, id, fc.constantFrom(...texts), headers(nowMs), spoiling)
        .map(([value, messageId, otherKey, more, spoil]): Packet => {
          const parsed = type.body.safeParse(value);
          const key = parsed.success && type.kind === 'command' ? type.key(parsed.data) : otherKey;
          return spoil({
            content: Buffer.from(JSON.stringify(value) ?? ''),
            contentType: 'application/json',
            type: type.name,
            messageId,
            correlationId: 'c',
            headers: { key, ...more },
          });
        });
    }),
  );
}

function headers(nowMs: number): fc.Arbitrary<HeaderTable> {
  const reply = fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    { weight: 3, arbitrary: fc.constantFrom(...orders).map((key) => ({ 'reply-route': 'saga', 'reply-key': key })) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<HeaderTable>(
        { 'reply-route': 'saga' },
        { 'reply-key': 'o1' },
        { 'reply-route': 'nowhere', 'reply-key': 'o1' },
        { 'reply-route': 'x'.repeat(300), 'reply-key': 'o1' },
        { 'reply-route': '', 'reply-key': '' },
        { 'reply-route': 'saga', 'reply-key': '__proto__' },
        { 'reply-route': 'saga', 'reply-key': '\ud800\0' },
      ),
    },
  );
  const deadline = fc.oneof(
    { weight: 6, arbitrary: fc.constant({}) },
    { weight: 2, arbitrary: fc.constant({ deadline: nowMs + 3_600_000 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<HeaderTable>(
        { deadline: nowMs - 1000 },
        { deadline: 0 },
        { deadline: -1 },
        { deadline: 2 ** 53 - 1 },
      ),
    },
  );
  return fc.tuple(reply, deadline).map(([asking, until]): HeaderTable => ({ ...asking, ...until }));
}

const headerValue: fc.Arbitrary<HeaderValue> = fc.oneof(
  oddText,
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constantFrom<HeaderValue>('x'.repeat(5000), [1, 'a'], { deep: { er: 1 } }, 2 ** 53),
);

/** Mostly nothing. */
const spoiling: fc.Arbitrary<(packet: Packet) => Packet> = fc.oneof(
  { weight: 14, arbitrary: fc.constant((packet: Packet) => packet) },
  {
    weight: 1,
    arbitrary: fc
      .uint8Array({ maxLength: 100 })
      .map((bytes) => (packet: Packet) => ({ ...packet, content: Buffer.from(bytes) })),
  },
  {
    weight: 1,
    arbitrary: fc.nat(60).map((at) => (packet: Packet) => ({ ...packet, content: packet.content.subarray(0, at) })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<(packet: Packet) => Packet>(
      ({ messageId: _, ...rest }) => rest,
      ({ type: _, ...rest }) => rest,
      ({ correlationId: _, ...rest }) => rest,
      ({ contentType: _, ...rest }) => rest,
      (packet) => ({ ...packet, headers: {} }),
      (packet) => ({ ...packet, content: Buffer.alloc(0) }),
      (packet) => ({ ...packet, content: Buffer.from(`${'['.repeat(5000)}${']'.repeat(5000)}`) }),
      (packet) => ({ ...packet, content: Buffer.from(`"${'x'.repeat(500_000)}"`) }),
      (packet) => ({ ...packet, contentType: 'text/plain', content: Buffer.from('hello') }),
      (packet) => ({ ...packet, messageId: 'i'.repeat(255) }),
      (packet) => ({ ...packet, headers: { ...packet.headers, key: 'é'.repeat(2000) } }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .oneof(
        oddText,
        fc.constantFrom('__proto__', 'constructor', 'wallet.hold', 'order.place', WAKE, TOO_LATE, 'engine.other'),
      )
      .map((type) => (packet: Packet) => ({ ...packet, type })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom(
          'key',
          'deadline',
          'remember-until',
          'redriven',
          'causation-id',
          'traceparent',
          'reply-key',
          'x-death',
          '__proto__',
          'odd',
        ),
        headerValue,
      )
      .map(([name, value]) => (packet: Packet) => ({ ...packet, headers: { ...packet.headers, [name]: value } })),
  },
  {
    weight: 1,
    arbitrary: oddValue.map((value) => (packet: Packet) => ({
      ...packet,
      content: Buffer.from(JSON.stringify(value) ?? 'null'),
    })),
  },
);
