import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { listingOf, send } from '#services/notify/contract.ts';
import { orderNumberOf } from '#services/notify/order-number.ts';
import { plainReason } from '#services/notify/reasons.ts';
import { messageIdOf, renderMail, type MailFacts } from '#services/notify/templates.ts';

const facts: MailFacts = {
  kind: 'completed',
  orderId: '0193f7a0-5a5a-7000-8000-00004f2a91bc',
  outcome: 'completed',
  customerId: 'alice',
  total: { amount: 3819, currency: 'EUR' },
  placedAt: Date.UTC(2026, 10, 28, 13, 5),
  items: [
    { sku: 'book', quantity: 2, unitAmount: 1299 },
    { sku: 'pen', quantity: 1, unitAmount: 1221 },
  ],
};
const failed = { ...facts, kind: 'failed', outcome: 'failed' } as const;
const cancelled = { ...facts, kind: 'cancelled', outcome: 'cancelled', reason: 'cancelled' } as const;
const correction = { ...facts, kind: 'correction', outcome: 'failed', reason: 'timed_out' } as const;

/** What is left of HTML when a person reads it. */
function seen(html: string): string {
  const body = html.slice(html.indexOf('<h1'));
  return body
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&times;', 'x')
    .replaceAll(/\s+/g, ' ');
}

test('each kind of mail says what happened to which order, its items, amounts, total, date, and what comes next', (t) => {
  const mails = [facts, { ...failed, reason: 'insufficient_funds' }, cancelled, correction].map(renderMail);
  t.deepEqual(
    mails.map(({ subject }) => subject),
    [
      'Your order 4F2A-91BC is confirmed',
      'Your order 4F2A-91BC could not be completed',
      'Your order 4F2A-91BC is cancelled',
      'Correction: your order 4F2A-91BC could not be completed',
    ],
  );
  for (const { text, html } of mails)
    for (const part of [text, seen(html)])
      for (const told of [
        '4F2A-91BC',
        '28 November 2026',
        '13:05 UTC',
        'book',
        '25.98 EUR',
        'pen',
        '12.21 EUR',
        '38.19 EUR',
        'Hello alice,',
        'What happens next',
        facts.orderId,
      ])
        t.true(part.includes(told), `${told} is missing in ${part}`);
  t.regex(mails[0]!.text, /38\.19 EUR were taken/);
  t.regex(mails[1]!.text, /does not hold enough money[\s\S]*You are not charged[\s\S]*Top up your wallet/);
  t.regex(mails[2]!.text, /cancelled, as was asked for[\s\S]*You are not charged/);
  t.regex(mails[3]!.text, /That was wrong[\s\S]*38\.19 EUR are back in your wallet[\s\S]*Nothing will be delivered/);
});

test('a line that a strategy priced shows its own amount', (t) => {
  const items = listingOf([
    { sku: 'GR1', quantity: 2, unitPrice: { amount: 311, currency: 'EUR' }, amount: 311 },
    { sku: 'GR1', quantity: 1, unitPrice: { amount: 311, currency: 'EUR' }, amount: 300 },
    { sku: 'MF1', quantity: 2, unitPrice: { amount: 500, currency: 'EUR' } },
  ]);
  const { text, html } = renderMail({ ...facts, ...items, total: { amount: 1611, currency: 'EUR' } });
  for (const part of [text, seen(html)]) {
    t.regex(part, /3 x GR1\s+6\.11 EUR|GR1[^M]*6\.11 EUR/);
    t.regex(part, /MF1[^G]*10\.00 EUR/);
  }
});

test('the text reads as it is in a window of 80 columns, amounts under each other', (t) => {
  const long = { sku: 'a'.repeat(100), quantity: 12, unitAmount: 100 };
  const { text } = renderMail({ ...correction, items: [...facts.items!, long] });
  const lines = text.split('\n');
  t.true(lines.every((line) => line.length <= 72 || line.includes(long.sku)));
  const amounts = lines.filter((line) => /\d EUR$/.test(line) && !line.includes('are back'));
  t.deepEqual(new Set(amounts.map(({ length }) => length)), new Set([72]));
  t.regex(text, /^ {2}2 x book +25\.98 EUR\n {6}12\.99 EUR each$/m);
});

test('a mail about a message of an older version names the order and its total, and lists nothing', (t) => {
  const { placedAt: _placedAt, items: _items, ...older } = facts;
  const { subject, text, html } = renderMail(older);
  t.is(subject, 'Your order 4F2A-91BC is confirmed');
  for (const part of [text, seen(html)]) {
    t.true(part.includes('38.19 EUR'));
    t.notRegex(part, /Placed|Item|more|undefined|NaN|warehouse/);
  }
});

test('what is left out of a long list is counted', (t) => {
  const { text, html } = renderMail({ ...facts, itemsLeftOut: 70 });
  for (const part of [text, seen(html)]) t.regex(part, /and 70 more items/);
  t.regex(renderMail({ ...facts, itemsLeftOut: 1 }).html, /and 1 more item</);
});

test('an order over nothing speaks of no money that moved', (t) => {
  const free = {
    total: { amount: 0, currency: 'EUR' },
    items: [{ sku: 'flyer', quantity: 1, unitAmount: 0 }],
  } as const;
  for (const mail of [facts, failed, cancelled, correction])
    t.notRegex(renderMail({ ...mail, ...free }).text, /charged|taken|held|are back|paid/);
});

test('every reason that a service refuses a step with is told in words of its own', (t) => {
  const words = (file: string): string[] => {
    const source = readFileSync(new URL(`../../../services/${file}`, import.meta.url), 'utf8');
    return [...source.matchAll(/(?:refuse|decline)\([^)']*'([a-z_]+)'/g)].map(([, word]) => word!);
  };
  const refused = [
    'order/order.ts',
    'payment/payment.ts',
    'delivery/delivery.ts',
    'wallet/wallet.ts',
    'notify/notification.ts',
  ].flatMap(words);
  t.true(refused.length > 20);
  const ofTopUps = ['conflicting_top_up', 'limit_exceeded'];
  const others = ['timed_out', 'cancelled', 'refused', 'card_declined', 'unknown_payment_method', 'not_deliverable'];
  for (const reason of [...refused, ...others].filter((word) => !ofTopUps.includes(word))) {
    const { why, now } = plainReason(reason);
    t.notRegex(why, /_|We were told/, reason);
    t.true(now.length > 10, reason);
  }
  t.is(plainReason('card_expired').why, 'We were told: card expired.');
  t.is(plainReason('constructor').why, 'We were told: constructor.');
});

test('what a customer wrote is shown as words, never as markup, lines or headers', (t) => {
  const evil = '<img src=x onerror="a()">&\'\r\nBcc: x\u2028\u202e';
  const item = { sku: evil, quantity: 1, unitAmount: 1 };
  const { subject, text, html } = renderMail({
    ...failed,
    customerId: evil,
    orderId: evil,
    reason: evil,
    items: [item],
  });
  t.notRegex(html, /<img|onerror="/);
  const shown = '&lt;img src=x onerror=&quot;a()&quot;&gt;&amp;&#39; Bcc: x';
  t.is(html.split(shown).length - 1, 5, 'customer, reason twice with the preview, item, id');
  t.notRegex(subject, /[\r\n\u2028\u202e]/);
  t.notRegex(text, /^Bcc/m);
});

test('whatever strings a mail is made of: the HTML has the tags of the template and no others', (t) => {
  const word = fc.string({
    unit: fc.constantFrom('<', '>', '"', "'", '&', 'a', '/', '=', ' ', '\u202e'),
    minLength: 1,
    maxLength: 20,
  });
  const tags = (html: string): string[] => html.match(/<\/?[a-z!]+/g) ?? [];
  const plain = tags(renderMail({ ...failed, reason: 'none', items: facts.items! }).html);
  fc.assert(
    fc.property(word, word, word, word, (customerId, orderId, reason, sku) => {
      const items = facts.items!.map((item) => ({ ...item, sku }));
      const { html } = renderMail({ ...failed, customerId, orderId, reason, items });
      t.deepEqual(tags(html), plain);
    }),
  );
});

test('a mail of the largest message that the contract takes has under 64 KB', (t) => {
  const sku = "'".repeat(100);
  const items = Array.from({ length: 30 }, () => ({ sku, quantity: 1_000_000, unitAmount: 1_000_000 }));
  const body = {
    orderId: "'".repeat(128),
    outcome: 'failed',
    to: 'a@b.example',
    customerId: '&'.repeat(200),
    total: { amount: 1_000_000_000_000, currency: 'EUR' },
    reason: '&'.repeat(200),
    items,
    itemsLeftOut: 70,
  } as const;
  t.true(send.body.safeParse(body).success);
  t.false(send.body.safeParse({ ...body, items: [...items, items[0]] }).success);
  const { text, html } = renderMail({ ...body, kind: 'failed' });
  t.true(text.length + html.length < 64 * 1024, `${text.length + html.length}`);
});

test('an order number is short, and of an id that is short anyway the id', (t) => {
  t.is(orderNumberOf(facts.orderId), '4F2A-91BC');
  t.is(orderNumberOf('o1'), 'o1');
  t.is(orderNumberOf('-----------------'), '-----------------');
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
