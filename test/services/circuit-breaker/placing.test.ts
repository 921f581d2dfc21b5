import test from 'ava';
import { isEvidence, parkedItemOf, parkingOf, redriveOf } from '#services/circuit-breaker/placing.ts';
import type { HeaderTable, Packet } from '#shared/bus/bus.ts';
import { withDeath } from '#shared/bus/deaths.ts';
import { decode, encode } from '#shared/bus/envelope.ts';
import { headerBytes, MAX_HEADER_BYTES } from '#shared/bus/headers.ts';
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
const died = (packet: Packet, queue = 'wallet.003', reason: 'expired' | 'rejected' = 'expired'): Packet =>
  withDeath(packet, { queue, reason }, { exchange: 'wallet.in', routingKey: '' }, 1_780_000_000);
const brokerNotes = ({ headers }: Packet): string[] => Object.keys(headers).filter((name) => name.startsWith('x-'));

test('what expired is parked unchanged, without the broker’s notes and with counts of our own', (t) => {
  const { exchange, packet, deadBecause } = parkingOf('wallet', died(encode(message)), 3, 5000);
  t.is(exchange, 'wallet.parked');
  t.is(deadBecause, undefined);
  t.deepEqual(decode(packet), message);
  t.deepEqual(brokerNotes(packet), []);
  t.like(packet.headers, { 'first-expired-at': 5000, 'last-expired-at': 5000, expiries: 1 });
});

test('put back and expired again it keeps the first time and counts on', (t) => {
  const back = redriveOf('wallet', parkingOf('wallet', died(encode(message)), 3, 5000).packet, 6000);
  t.is(back.exchange, 'wallet.hash');
  t.deepEqual(decode(back.packet), { ...message, redriven: 1 });
  const again = parkingOf('wallet', died(back.packet), 3, 7000);
  t.deepEqual(parkedItemOf('wallet', again.packet), {
    route: 'wallet',
    messageId: 'o1:hold:do',
    type: 'wallet.hold',
    key: 'alice',
    correlationId: 'o1',
    firstExpiredAt: 5000,
    lastExpiredAt: 7000,
    expiries: 2,
    redriven: 1,
  });
});

test('the last allowed try is still made, the next one is a dead letter that says why', (t) => {
  const at = (redriven: number) => parkingOf('wallet', died(encode({ ...message, redriven })), 3, 1000);
  t.is(at(2).exchange, 'wallet.parked');
  const { exchange, packet, deadBecause } = at(3);
  t.is(exchange, 'wallet.dead');
  t.regex(deadBecause ?? '', /4 tries.*expired/);
  t.like(packet.headers, {
    'dead-route': 'wallet',
    'dead-attempts': 3,
    'dead-at': '1970-01-01T00:00:01.000Z',
    redriven: 3,
    key: 'alice',
  });
  t.deepEqual(brokerNotes(packet), []);
  t.is(packet.content.toString(), '{"a":1}');
});

const strange: readonly [string, Partial<Packet>, RegExp][] = [
  ['no JSON', { content: Buffer.from('{') }, /not JSON/],
  ['no UTF-8', { content: Buffer.from([0x22, 0xff, 0x22]) }, /not UTF-8/],
  ['no key', { headers: {} }, /key is missing/],
  ['a key that is no text', { headers: { key: 5 } }, /key is not a text/],
  ['a count that is no number', { headers: { key: 'k', redriven: 'often' } }, /redriven/],
  ['broker notes that are none', { headers: { 'x-death': [null as never, 'x', { queue: 1 }] } }, /key is missing/],
  ['a key that leaves no room', { headers: { key: '漢'.repeat(21_000) } }, /too long/],
  ['an id of bytes that are no UTF-8', { messageId: Buffer.alloc(200, 0xff).toString() }, /too long/],
];

for (const [what, part, reason] of strange) {
  test(`a packet with ${what} becomes a dead letter`, (t) => {
    const given = { ...encode(message), ...part };
    for (const { exchange, packet, deadBecause } of [parkingOf('wallet', given, 3, 0), redriveOf('wallet', given, 0)]) {
      t.is(exchange, 'wallet.dead');
      t.regex(deadBecause ?? '', reason);
      t.is(packet.headers['dead-reason'], deadBecause);
      t.deepEqual(brokerNotes(packet), []);
      t.true(headerBytes(packet.headers) <= MAX_HEADER_BYTES);
      t.true(Buffer.byteLength(packet.messageId ?? '') <= 255);
    }
    t.is(parkedItemOf('wallet', given), undefined);
  });
}

test('headers of others that leave no room are left out, and the message is parked and put back', (t) => {
  const given = encode(message);
  const packet = died({ ...given, headers: { ...given.headers, junk: '漢'.repeat(23_000), other: 'kept' } });
  const parking = parkingOf('wallet', packet, 3, 5000);
  t.is(parking.exchange, 'wallet.parked');
  t.deepEqual(decode(parking.packet), message);
  t.is(parking.packet.headers['other'], 'kept');
  t.true(headerBytes(parking.packet.headers) <= MAX_HEADER_BYTES);
  t.deepEqual(decode(redriveOf('wallet', parking.packet, 6000).packet), { ...message, redriven: 1 });
});

test('counts that are nonsense begin again', (t) => {
  const packet = encode(message);
  const headers = { ...packet.headers, expiries: 'many', 'first-expired-at': -5 };
  const parked = parkingOf('wallet', died({ ...packet, headers }), 3, 9000);
  t.like(parked.packet.headers, { expiries: 1, 'first-expired-at': 9000 });
});

test('evidence is an expiry in a partition of the route, and nothing else', (t) => {
  const packet = encode(message);
  t.true(isEvidence('wallet', died(packet)));
  t.true(isEvidence('wallet', died(died(packet, 'wallet.delay'))), 'it came through the delay');
  t.false(isEvidence('wallet', packet));
  t.false(isEvidence('wallet', died(packet, 'wallet.delay')));
  t.false(isEvidence('wallet', died(packet, 'order.003')));
  t.false(isEvidence('wallet', died(packet, 'wallet.003', 'rejected')));
  t.false(isEvidence('wallet', died(died(packet, 'wallet.delay'), 'wallet.003', 'rejected')));
  t.false(isEvidence('wallet', { ...died(packet), type: 'engine.wake' }), 'nobody needs a late wake');
});

test('what its publisher let expire sooner is no evidence', (t) => {
  const packet = died(encode(message));
  const [death] = packet.headers['x-death'] as readonly HeaderTable[];
  const byPublisher = { ...death, 'original-expiration': '50' };
  t.false(isEvidence('wallet', { ...packet, headers: { ...packet.headers, 'x-death': [byPublisher] } }));
  const delayed = { ...byPublisher, queue: 'wallet.delay' };
  t.true(isEvidence('wallet', { ...packet, headers: { ...packet.headers, 'x-death': [death!, delayed] } }));
});
