import test, { type ExecutionContext } from 'ava';
import { smtpMailer } from '#services/notify/smtp-mailer.ts';
import type { Mail } from '#services/notify/notification.ts';
import { systemClock } from '#shared/clock.ts';
import { startSmtpServer } from '#test/support/smtp-server.ts';

async function started(t: ExecutionContext, extensions: readonly string[] = [], limitMs = 400) {
  const server = await startSmtpServer(extensions);
  const mailer = smtpMailer({
    url: server.url,
    from: 'Switchyard <orders@switchyard.example>',
    limitMs,
    clock: systemClock,
  });
  t.teardown(async () => {
    mailer.close();
    await server.close();
  });
  return { server, mailer };
}

const mail: Mail = {
  to: 'alice@example.org',
  subject: 'Your order is confirmed',
  text: 'plain words\n',
  html: '<p>marked words</p>',
  messageId: '<o1.completed@switchyard.example>',
  headers: { 'X-Order-Id': 'o1', traceparent: '00-a-b-01' },
};
const signal = () => AbortSignal.timeout(10_000);
const headerOf = (source: string, name: string): string[] =>
  (source.split('\r\n\r\n')[0] ?? '')
    .split(/\r\n(?![ \t])/)
    .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`));

test('an accepted mail has its id, order, trace, and both parts, and is accepted not before the server took it', async (t) => {
  const { server, mailer } = await started(t);
  const before = systemClock.now();
  const outcome = await mailer.send(mail, signal());
  t.true(outcome.accepted && outcome.at >= before);
  const { source, to } = server.mails[0]!;
  t.deepEqual(to, ['RCPT TO:<alice@example.org>']);
  t.deepEqual(headerOf(source, 'Message-ID'), ['Message-ID: <o1.completed@switchyard.example>']);
  t.deepEqual(
    headerOf(source, 'X-Order-Id').map((line) => line.toLowerCase()),
    ['x-order-id: o1'],
  );
  t.deepEqual(
    headerOf(source, 'traceparent').map((line) => line.toLowerCase()),
    ['traceparent: 00-a-b-01'],
  );
  t.regex(source, /text\/plain[\s\S]*plain words[\s\S]*text\/html[\s\S]*<p>marked words<\/p>/);
});

test('connections are kept from mail to mail', async (t) => {
  const { server, mailer } = await started(t);
  for (let n = 0; n < 5; n += 1) await mailer.send(mail, signal());
  t.is(server.mails.length, 5);
  t.is(server.connections(), 1);
});

test('a server that closed a kept connection gets the mail over another', async (t) => {
  const { server, mailer } = await started(t);
  await mailer.send(mail, signal());
  server.fail({ at: 'MAIL', answer: '421 too long idle' });
  await t.throwsAsync(mailer.send(mail, signal()));
  server.fail(undefined);
  t.true((await mailer.send(mail, signal())).accepted);
});

for (const extensions of [[], ['PIPELINING']]) {
  for (const [at, answer] of [
    ['RCPT', '550 5.1.1 no such user'],
    ['RCPT', '553 not a mailbox'],
    ['end', '550 5.1.1 no such user'],
  ] as const) {
    test(`"${answer}" to ${at} refuses the address${extensions.length > 0 ? ', also with pipelining' : ''}; the next mail goes through`, async (t) => {
      const { server, mailer } = await started(t, extensions);
      server.fail({ at, answer });
      const refused = { accepted: false, reason: 'rejected_address', detail: `rejected_address: ${answer}` };
      t.deepEqual(await mailer.send(mail, signal()), refused as never);
      server.fail(undefined);
      t.true((await mailer.send(mail, signal())).accepted);
    });
  }
}

for (const characters of [300, 1900, 100_000])
  test(`of an answer of ${characters} characters as much is told as messages carry`, async (t) => {
    const { server, mailer } = await started(t);
    server.fail({ at: 'RCPT', answer: `550 5.1.1 ${'x'.repeat(characters)}` });
    const outcome = await mailer.send(mail, signal());
    t.like(outcome, { accepted: false, reason: 'rejected_address' });
    const { detail = '' } = outcome as { readonly detail?: string };
    t.true(detail.startsWith('rejected_address: 550 5.1.1 xxx'), detail);
    if (characters > 2000) t.regex(detail, /x… \(cut: it had \d+ characters\)$/);
    else t.true(detail.endsWith('x'.repeat(characters)));
    t.true(detail.length <= 2000);
  });

for (const [at, answer] of [
  ['connect', '421 busy'],
  ['connect', 'silent'],
  ['connect', 'close'],
  ['MAIL', '550 sender not welcome'],
  ['RCPT', '450 try later'],
  ['RCPT', 'silent'],
  ['DATA', '451 try later'],
  ['DATA', 'close'],
  ['end', '452 disk full'],
  ['end', '554 looks like spam'],
  ['end', 'silent'],
  ['end', 'close'],
] as const) {
  test(`"${answer}" at ${at} throws, and the same mail goes through when the server is well again, once`, async (t) => {
    const { server, mailer } = await started(t);
    server.fail({ at, answer });
    await t.throwsAsync(mailer.send(mail, signal()));
    server.fail(undefined);
    t.true((await mailer.send(mail, signal())).accepted);
    t.is(server.mails.length, 1);
  });
}

test('a mail that was given up is never sent later, running or waiting', async (t) => {
  const { server, mailer } = await started(t, [], 3000);
  server.fail({ at: 'RCPT', answer: 'silent' });
  const given = new AbortController();
  const sends = Array.from({ length: 30 }, () => mailer.send(mail, given.signal));
  while (!server.commands.some((command) => command.startsWith('RCPT'))) await systemClock.sleep(5);
  server.fail(undefined);
  given.abort();
  for (const send of sends) await t.throwsAsync(send);
  t.true((await mailer.send({ ...mail, messageId: '<last@switchyard.example>' }, signal())).accepted);
  t.deepEqual(
    server.mails.map((one) => headerOf(one.source, 'Message-ID')[0]),
    ['Message-ID: <last@switchyard.example>'],
  );
});

for (const to of [
  'alice@example.org, mallory@example.org',
  'alice@example.org\r\nBcc: mallory@example.org',
  'alice@example.org>\r\nRCPT TO:<mallory@example.org',
  'Alice <alice@example.org>',
  '"a b"@example.org',
  'alice',
  '@example.org',
  'team: alice@example.org;',
]) {
  test(`${JSON.stringify(to)} is refused as an address and the server hears nothing`, async (t) => {
    const { server, mailer } = await started(t);
    t.deepEqual(await mailer.send({ ...mail, to }, signal()), { accepted: false, reason: 'rejected_address' });
    t.deepEqual(server.commands, []);
  });
}

test('line breaks in a subject or an order id end no header and add none', async (t) => {
  const { server, mailer } = await started(t);
  const evil = 'o1\r\nBcc: mallory@example.org\r\n\r\nbody';
  await mailer.send({ ...mail, subject: evil, headers: { 'X-Order-Id': evil } }, signal());
  const { source, to } = server.mails[0]!;
  t.deepEqual(headerOf(source, 'Bcc'), []);
  t.is(headerOf(source, 'X-Order-Id').length, 1);
  t.is(to.length, 1);
  t.regex(source.split('\r\n\r\n')[0]!, /Subject: o1 Bcc/);
});

test('the check passes with a server and throws without', async (t) => {
  const { server, mailer } = await started(t);
  await t.notThrowsAsync(mailer.check());
  await server.close();
  await t.throwsAsync(mailer.check());
  await startSmtpServer().then((other) => other.close());
});

test('a domain in another script is sent in ASCII, in the envelope and in the header, to any server', async (t) => {
  const { server, mailer } = await started(t);
  t.true((await mailer.send({ ...mail, to: 'alice@bücher.example' }, signal())).accepted);
  const { source, to, from } = server.mails[0]!;
  t.deepEqual(to, ['RCPT TO:<alice@xn--bcher-kva.example>']);
  t.deepEqual(headerOf(source, 'To'), ['To: alice@xn--bcher-kva.example']);
  t.notRegex(from, /SMTPUTF8/);
  t.is(server.connections(), 1);
});

test('an address in another script goes as it is to a server that offers SMTPUTF8, and is told to need it', async (t) => {
  const { server, mailer } = await started(t, ['SMTPUTF8']);
  t.true((await mailer.send({ ...mail, to: '用户@例え.jp' }, signal())).accepted);
  const { source, to, from } = server.mails[0]!;
  t.deepEqual(to, ['RCPT TO:<用户@例え.jp>']);
  t.regex(from, / SMTPUTF8( |$)/);
  t.deepEqual(headerOf(source, 'To'), ['To: 用户@例え.jp']);
  t.true((await mailer.send(mail, signal())).accepted);
  t.notRegex(server.mails[1]!.from, /SMTPUTF8/);
});

test('a server that does not offer SMTPUTF8 is not asked to take such an address: it is refused for that reason', async (t) => {
  const { server, mailer } = await started(t);
  t.deepEqual(await mailer.send({ ...mail, to: '用户@例え.jp' }, signal()), {
    accepted: false,
    reason: 'smtputf8_not_offered',
  });
  t.deepEqual(
    server.commands.filter((command) => !/^(EHLO|QUIT)/.test(command)),
    [],
  );
});

for (const [at, answer] of [
  ['MAIL', '550 5.6.7 non-ASCII addresses not permitted'],
  ['RCPT', '553 5.6.7 non-ASCII addresses not permitted'],
  ['end', '554 5.6.9 UTF-8 header message cannot be transferred'],
] as const)
  test(`"${answer}" to ${at} refuses it for the same reason`, async (t) => {
    const { server, mailer } = await started(t, ['SMTPUTF8']);
    server.fail({ at, answer });
    t.deepEqual(await mailer.send({ ...mail, to: '用户@例え.jp' }, signal()), {
      accepted: false,
      reason: 'smtputf8_not_offered',
      detail: `smtputf8_not_offered: ${answer}`,
    });
  });

for (const answer of ['421 busy', 'silent', 'close'] as const)
  test(`"${answer}" to the question for SMTPUTF8 throws: nothing is known yet, and the mail goes through later`, async (t) => {
    const { server, mailer } = await started(t, ['SMTPUTF8']);
    server.fail({ at: 'connect', answer });
    await t.throwsAsync(mailer.send({ ...mail, to: '用户@例え.jp' }, signal()));
    server.fail(undefined);
    t.true((await mailer.send({ ...mail, to: '用户@例え.jp' }, signal())).accepted);
  });

test('a domain that cannot exist is refused and the server hears nothing', async (t) => {
  const { server, mailer } = await started(t);
  for (const to of ['a@ex%C3%A4mple/ä.org', `a@${'ä'.repeat(64)}.example`, 'a@ä..example'])
    t.deepEqual(await mailer.send({ ...mail, to }, signal()), { accepted: false, reason: 'rejected_address' }, to);
  t.deepEqual(server.commands, []);
});
