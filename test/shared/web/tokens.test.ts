import test from 'ava';
import { parseTokenKeys, signToken, verifier } from '#shared/web/tokens.ts';
import { ConfigError } from '#shared/errors.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

const a = `a:${'1'.repeat(32)}`;
const b = `b:${'2'.repeat(32)}`;

test('a token of an older key is good as long as that key is listed', async (t) => {
  const clock = createVirtualClock();
  const old = await signToken({ subject: 'alice', role: 'customer', expiresInS: 60 }, parseTokenKeys(a), clock);
  const verified = await verifier(parseTokenKeys(`${b}, ${a}`), clock)(old);
  t.deepEqual(verified?.identity, { subject: 'alice', role: 'customer' });
  t.is(await verifier(parseTokenKeys(b), clock)(old), undefined);
});

test('a token ends when it expires, also one that was seen before', async (t) => {
  const clock = createVirtualClock();
  const keys = parseTokenKeys(a);
  const verify = verifier(keys, clock);
  const token = await signToken({ subject: 'alice', role: 'customer', expiresInS: 60 }, keys, clock);
  const { acceptedUntil = 0 } = (await verify(token)) ?? {};
  t.is(acceptedUntil, clock.now() + 65_000, 'five seconds are for clocks that differ');
  for (const check of [verify, verifier(keys, clock)]) {
    await clock.advance(acceptedUntil - 1 - clock.now());
    t.truthy(await check(token));
  }
  await clock.advance(1);
  for (const check of [verify, verifier(keys, clock)]) t.is(await check(token), undefined);
});

for (const [text, said] of [
  ['', /no key/],
  ['nocolon', /entry 1 is not <kid>:<secret>/],
  [`a:short`, /the secret of a has 5 bytes/],
  [`${a},a:${'3'.repeat(32)}`, /the same id/],
] as const) {
  test(`token keys ${JSON.stringify(text.slice(0, 12))} are refused with the reason and without the secret`, (t) => {
    const error = t.throws(() => parseTokenKeys(text), { instanceOf: ConfigError });
    t.regex(error.message, said);
    t.notRegex(error.message, /short$|333/);
  });
}
