/** An address that the mail server cannot take: the order ends, undone, and says why. */
import test from 'ava';
import { createShop } from '#test/support/place.ts';
import { startSmtpServer } from '#test/support/smtp-server.ts';
import { SHORT_TIMES, startStack } from '#test/support/stack.ts';

test('an order to an address that needs SMTPUTF8 fails at a server without it; order, timeline and mails say why', async (t) => {
  const server = await startSmtpServer();
  const stack = await startStack({ env: { ...SHORT_TIMES, SMTP_URL: server.url } });
  t.teardown(async () => {
    await stack.stop();
    await server.close();
  });
  const shop = createShop(stack);
  await shop.topUp('wide', 10_000);
  const { status, body: accepted } = await shop.request({ customerId: 'wide', email: '用户@例え.jp' });
  t.is(status, 202);

  const { order, timeline } = await shop.ended(accepted.id);
  const failure = { reason: 'smtputf8_not_offered', step: 'notify-customer' };
  t.is(order.status, 'failed');
  t.deepEqual(order.failure, failure);
  t.deepEqual(timeline.failure, failure);
  t.is(timeline.steps.find(({ name }) => name === 'notify-customer')?.state, 'refused');
  t.like(await shop.wallet('wide'), { available: { amount: 10_000 }, held: { amount: 0 } });
  const { items: mails } = await shop.read<{ items: readonly Record<string, string>[] }>(
    `/v1/orders/${order.id}/emails`,
  );
  t.deepEqual(
    mails.map(({ status: of, kind, to, reason }) => [of, kind, to, reason]),
    ['completed', 'failed'].map((kind) => ['refused', kind, '用户@例え.jp', 'smtputf8_not_offered']),
  );
  t.deepEqual(server.mails, []);
});
