import test from 'ava';
import fc from 'fast-check';
import { messageIdOf, renderMail, type MailFacts } from '#services/notify/templates.ts';

const facts: MailFacts = {
  kind: 'completed',
  orderId: 'o1',
  outcome: 'completed',
  customerId: 'alice',
  total: { amount: 1205, currency: 'EUR' },
};

test('each kind of mail says what happened, to which order, over how much', (t) => {
  const texts = [
    renderMail(facts),
    renderMail({ ...facts, kind: 'failed', outcome: 'failed', reason: 'insufficient_funds' }),
    renderMail({ ...facts, kind: 'cancelled', outcome: 'cancelled' }),
    renderMail({ ...facts, kind: 'correction', outcome: 'failed', reason: 'constructor' }),
  ];
  t.is(new Set(texts.map((mail) => mail.subject)).size, 4);
  for (const { subject, text, html } of texts) {
    t.true(subject.includes('o1'));
    for (const part of [text, html]) t.true(part.includes('o1') && part.includes('12.05 EUR'));
  }
  t.regex(texts[1]!.text, /does not hold enough money/);
  t.regex(texts[3]!.subject, /^Correction/);
});

test('what a customer wrote is shown as words, never as markup, lines or headers', (t) => {
  const evil = '<img src=x onerror="a()">&\'\r\nBcc: x\u2028\u202e';
  const { subject, text, html } = renderMail({ ...facts, customerId: evil, orderId: evil });
  t.notRegex(html, /<img|onerror="/);
  t.true(html.includes('&lt;img src=x onerror=&quot;a()&quot;&gt;&amp;&#39; Bcc: x'));
  t.notRegex(subject, /[\r\n\u2028\u202e]/);
  t.notRegex(text, /^Bcc/m);
});

test('different orders and outcomes have different message ids, which are always well formed', (t) => {
  t.is(messageIdOf('0192-ab', 'failed'), '<0192-ab.failed@switchyard.example>');
  const id = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((text) => text.isWellFormed());
  fc.assert(
    fc.property(id, id, (a, b) => {
      t.regex(messageIdOf(a, 'completed'), /^<[A-Za-z0-9_-]+\.completed@switchyard\.example>$/);
      t.is(messageIdOf(a, 'completed') === messageIdOf(b, 'completed'), a === b);
    }),
  );
});
