import test from 'ava';
import { redriveOf } from '#services/circuit-breaker/redrive.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { withDeath } from '#shared/bus/deaths.ts';
import { decode, encode } from '#shared/bus/envelope.ts';
import type { Message } from '#shared/message.ts';

const message: Message = {
  id: 'o1:hold:do',
  type: 'wallet.hold',
  key: 'alice',
  body: { a: 1 },
  correlationId: 'o1',
  causationId: 'o1:place',
  deadline: 1_790_000_000_000,
  replyTo: { route: 'saga', key: 'o1' },
};

const died = (packet: Packet): Packet => ({
  ...withDeath(
    packet,
    { queue: 'wallet.003', reason: 'expired' },
    { exchange: 'wallet.in', routingKey: '' },
    1_780_000_000,
  ),
});

test('what expired goes back past the gate, unchanged but for its count, without the broker notes', (t) => {
  const { exchange, packet, deadBecause } = redriveOf('wallet', died(encode(message)), 3, 0);
  t.is(exchange, 'wallet.hash');
  t.is(deadBecause, undefined);
  t.deepEqual(decode(packet), { ...message, redriven: 1 });
  t.deepEqual(
    Object.keys(packet.headers).filter((name) => name.startsWith('x-')),
    [],
  );
});

test('the last allowed try is still made, the next one is a dead letter that says why', (t) => {
  t.is(redriveOf('wallet', died(encode({ ...message, redriven: 2 })), 3, 0).exchange, 'wallet.hash');
  const { exchange, packet, deadBecause } = redriveOf('wallet', died(encode({ ...message, redriven: 3 })), 3, 1_000);
  t.is(exchange, 'wallet.dead');
  t.regex(deadBecause ?? '', /4 tries.*expired/);
  t.like(packet.headers, {
    'dead-route': 'wallet',
    'dead-attempts': 3,
    'dead-at': '1970-01-01T00:00:01.000Z',
    redriven: 3,
    key: 'alice',
  });
  t.is(packet.headers['dead-reason'], deadBecause);
  t.is(packet.content.toString(), '{"a":1}');
});

const strange: readonly [string, Partial<Packet>, RegExp][] = [
  ['no JSON', { content: Buffer.from('{') }, /not JSON/],
  ['no UTF-8', { content: Buffer.from([0x22, 0xff, 0x22]) }, /not UTF-8/],
  ['no key', { headers: {} }, /key is missing/],
  ['a key that is no text', { headers: { key: 5 } }, /key is not a text/],
  ['a count that is no number', { headers: { key: 'k', redriven: 'often' } }, /redriven/],
  ['broker notes that are none', { headers: { 'x-death': [null as never, 'x', { queue: 1 }] } }, /key is missing/],
];

for (const [what, part, reason] of strange) {
  test(`a packet with ${what} becomes a dead letter`, (t) => {
    const { exchange, packet, deadBecause } = redriveOf('wallet', { ...encode(message), ...part }, 3, 0);
    t.is(exchange, 'wallet.dead');
    t.regex(deadBecause ?? '', reason);
    t.is(packet.headers['dead-reason'], deadBecause);
    t.false('x-death' in packet.headers);
  });
}

test('a packet without id and type becomes a dead letter', (t) => {
  const { exchange } = redriveOf('wallet', { content: Buffer.from('hello'), headers: {} }, 3, 0);
  t.is(exchange, 'wallet.dead');
});
