import test from 'ava';
import fc from 'fast-check';
import { asSent, isEmailAddress, needsSmtpUtf8 } from '#services/email-address.ts';
import { emailAddress } from '#services/fields.ts';

const addresses: Readonly<Record<string, string>> = {
  'alice@example.org': 'alice@example.org',
  'a.b+c_d@x.example': 'a.b+c_d@x.example',
  'alice@bücher.example': 'alice@xn--bcher-kva.example',
  'alice@BÜCHER.example': 'alice@xn--bcher-kva.example',
  'alice@straße.example': 'alice@xn--strae-oqa.example',
  'alice@例え.jp': 'alice@xn--r8jz45g.jp',
  'alice@xn--bcher-kva.example': 'alice@xn--bcher-kva.example',
  '用户@例え.jp': '用户@xn--r8jz45g.jp',
  'josé@example.org': 'josé@example.org',
};

for (const [address, sent] of Object.entries(addresses))
  test(`${address} is an address, sent as ${sent}`, (t) => {
    t.true(isEmailAddress(address));
    t.is(asSent(address), sent);
    t.is(needsSmtpUtf8(address), /^(用户|josé)@/.test(address));
  });

for (const text of [
  'alice',
  'alice@localhost',
  'alice@bücher',
  'alice@@example.org',
  'a@b.example,c@d.example',
  'a@b.example\nBcc: c@d.example',
  'Alice <alice@example.org>',
  '"a b"@example.org',
  'a b@example.org',
  '.a@example.org',
  'a..b@example.org',
  'a@1.2.3.4',
  'a@exämple/x.org',
  'a@ex%C3%A4mple.org',
  'a@bücher.example:25',
  `a@${'ä'.repeat(60)}.example`,
  `a@${'ä.'.repeat(80)}example`,
  'a\u200b@example.org',
  'a@\u202eexample.org',
])
  test(`${JSON.stringify(text)} is none`, (t) => {
    t.false(isEmailAddress(text));
  });

test('whatever is taken for an address, messages carry it, and its domain is sent in ASCII', (t) => {
  const part = fc.string({
    unit: fc.constantFrom('a', 'ä', '例', 'ß', '.', '-', '@', '%', '/', '\u200d', ' '),
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(part, part, (local, domain) => {
      const text = `${local}@${domain}.example`;
      if (!isEmailAddress(text)) return;
      t.true(emailAddress.safeParse(text).success);
      t.regex(asSent(text)!, /@[a-zA-Z0-9.-]+$/);
    }),
    { numRuns: 2000 },
  );
});
