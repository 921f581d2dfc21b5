import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import test from 'ava';
import type { HeaderTable } from '#shared/bus/bus.ts';
import { CUT, cutHeaders, headerBytes } from '#shared/bus/headers.ts';
import { isShort, resendable, SHORT_STRING_BYTES } from '#shared/bus/resendable.ts';

const require = createRequire(import.meta.url);
const codec = require(join(dirname(require.resolve('amqplib')), 'lib/codec.js')) as {
  encodeTable(buffer: Buffer, table: object, offset: number): number;
};

/** How amqplib itself encodes it; `Infinity`: it does not. */
function encodedBytes(headers: HeaderTable): number {
  try {
    return codec.encodeTable(Buffer.alloc(1_000_000), headers, 0);
  } catch {
    return Infinity;
  }
}

const tables: Readonly<Record<string, HeaderTable>> = {
  nothing: {},
  texts: { key: 'k', unicode: '\u{1F600}漢字é', empty: '' },
  numbers: Object.fromEntries(
    [0, -1, 127, 128, -129, 32_768, -32_769, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, 0.5, 1e300, Infinity].map((n) => [
      `n${n}`,
      n,
    ]),
  ),
  'no number': { n: NaN },
  'less than any integer': { n: -1e300 },
  nested: { a: { b: { c: [1, 'two', true, { d: 'e' }] } }, list: [] },
  'times and decimals': {
    t: { '!': 'timestamp', value: 1_780_000_000 },
    d: { '!': 'decimal', value: { places: 2, digits: 314 } },
  },
  'a type that there is not': { t: { '!': 'nonsense', value: 1 } },
  bytes: { b: Buffer.from([1, 2, 3]) as never, nil: null as never, gone: undefined as never },
  'a name that is too long': { [`漢`.repeat(86)]: 1 },
};

for (const [what, headers] of Object.entries(tables))
  test(`the size of a table with ${what} is what the client makes of it`, (t) => {
    t.is(headerBytes(headers), encodedBytes(headers));
  });

test('headers that fit stay the same object', (t) => {
  const headers = { key: 'k', other: 'x'.repeat(1000) };
  t.is(cutHeaders(headers, 60_000), headers);
});

test('what is counted is bytes: 25,000 characters of three bytes each do not fit', (t) => {
  const cut = cutHeaders({ key: 'k', long: '漢'.repeat(25_000) }, 60_000);
  t.deepEqual(cut, { key: 'k', [CUT]: 'long' });
});

test('the longest goes first, our own last, and nothing is shortened', (t) => {
  const given = { key: 'k'.repeat(300), long: 'x'.repeat(400), longer: 'y'.repeat(500), short: 'z' };
  t.deepEqual(cutHeaders(given, 900), { key: given.key, short: 'z', [CUT]: 'longer, long' });
  t.deepEqual(cutHeaders({ key: 'k'.repeat(300), a: 'x', b: 'y' }, 250), { [CUT]: 'a, b, key' });
});

test('thousands of short headers are cut as well, and so is what has no encoding', (t) => {
  const many = Object.fromEntries(Array.from({ length: 9000 }, (_, n) => [`header-${n}`, `value ${n}`]));
  const cut = cutHeaders({ ...many, key: 'k', bad: NaN }, 60_000);
  t.is(cut['key'], 'k');
  t.false('bad' in cut);
  t.regex(String(cut[CUT]), /^\d+ headers$/);
  t.true(encodedBytes(cut) <= 60_000 && encodedBytes(cut) > 50_000);
});

test('a packet that can be sent is the same object; bytes that are no UTF-8 do not make an id too long', (t) => {
  const packet = { content: Buffer.from('1'), headers: { key: 'k' }, type: 'a.b', messageId: 'm' };
  t.is(resendable(packet), packet);
  const strange = Buffer.alloc(200, 0xff).toString();
  t.false(isShort(strange));
  const { messageId = '', type } = resendable({ ...packet, messageId: strange });
  t.true(Buffer.byteLength(messageId) <= SHORT_STRING_BYTES && messageId !== '');
  t.is(type, 'a.b');
});
