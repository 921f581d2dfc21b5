import test from 'ava';
import { buried } from './world.ts';
import { burialOf, causeOf, packetOfLetter } from '#services/dead-letters/letter.ts';
import { decode } from '#shared/bus/envelope.ts';

const NOW = Date.parse('2026-02-02T00:00:00.000Z');

test('a burial tells why, when, after how many tries; the message is as it was before', (t) => {
  const packet = buried(7);
  const { letter, failure } = burialOf('wallet', packet, NOW);
  t.like(letter, {
    route: 'wallet',
    type: 'wallet.top-up',
    key: 'customer-7',
    messageId: 'top-up-7',
    attempts: 5,
    reason: 'the wallet of customer-7 broke (after 5 tries)',
    cause: 'the wallet of <id> broke',
  });
  t.deepEqual(failure.at, new Date('2026-01-01T00:00:00.000Z'));
  const again = packetOfLetter(letter.packet);
  t.deepEqual(decode(again), decode(packet));
  t.deepEqual(Object.keys(again.headers), ['key']);
  t.deepEqual(again.content, packet.content);
});

test('a replay starts to count anew, and carries none of the broker’s notes', (t) => {
  const packet = buried(1, { redriven: 5, expiries: 6, 'first-expired-at': 1, 'last-expired-at': 2, deadline: 99 });
  const died = { ...packet, headers: { ...packet.headers, 'x-death': [], 'x-first-death-queue': 'wallet.000' } };
  t.deepEqual(packetOfLetter(burialOf('wallet', died, NOW).letter.packet).headers, { key: 'customer-1', deadline: 99 });
});

test('the same burial is the same letter and failure; another burial of the message another failure of the same letter', (t) => {
  const first = burialOf('wallet', buried(1), NOW);
  const same = burialOf('wallet', buried(1), NOW + 1);
  const later = burialOf('wallet', buried(1, { 'dead-at': '2026-01-02T00:00:00.000Z' }), NOW);
  t.is(same.letter._id, first.letter._id);
  t.is(same.failure.id, first.failure.id);
  t.is(later.letter._id, first.letter._id);
  t.not(later.failure.id, first.failure.id);
  t.not(burialOf('order', buried(1), NOW).letter._id, first.letter._id);
  t.not(burialOf('wallet', buried(2), NOW).letter._id, first.letter._id);
});

test('what has no notes died now, of nobody knows what', (t) => {
  const { headers, ...rest } = buried(1);
  const { letter, failure } = burialOf('wallet', { ...rest, headers: { key: headers['key'] ?? '' } }, NOW);
  t.like(failure, { at: new Date(NOW), attempts: 0, reason: 'no reason was given' });
  t.is(letter.cause, 'no reason was given');
});

test('what is no message of ours is broken, and two that differ in anything are two', (t) => {
  const bytes = { content: Buffer.from([0xff, 0xfe]), headers: { key: 'k', 'dead-at': 'yesterday' } };
  const first = burialOf('wallet', bytes, NOW).letter;
  t.regex(first.broken ?? '', /UTF-8|message id is missing/);
  const others = [
    { ...bytes, content: Buffer.from([0xff]) },
    { ...bytes, headers: { key: 'l' } },
    { ...bytes, correlationId: 'c' },
    { ...bytes, messageId: 'm' },
    { ...bytes, type: 't' },
  ];
  const ids = [first, ...others.map((packet) => burialOf('wallet', packet, NOW).letter)].map(({ _id }) => _id);
  t.is(new Set(ids).size, ids.length);
  t.is(burialOf('wallet', buried(1), NOW).letter.broken, undefined);
});

const causes: readonly (readonly [reason: string, cause: string])[] = [
  ['the provider answered 503 (after 5 tries)', 'the provider answered 503'],
  ['order 0190f1a0-1111-7222-8333-444455556666 is not known', 'order <id> is not known'],
  ['Unexpected token "x", ..."{x"... is not valid JSON', 'Unexpected token <...>, ...<...>... is not valid JSON'],
  [
    'nobody handled it in 6 tries; the last one ended with: expired',
    'nobody handled it in # tries; the last one ended with: expired',
  ],
  ['took 12345 ms of 10000', 'took # ms of #'],
  ['first line\nsecond line', 'first line'],
];
for (const [reason, cause] of causes) {
  test(`the cause of: ${reason.split('\n')[0]}`, (t) => t.is(causeOf(reason, []), cause));
}
