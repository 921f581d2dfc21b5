/** The operators' door of a real stack, on an address of its own. */
import test from 'ava';
import { createApi } from '#local/commands/api.ts';
import { auditOver } from '#local/commands/audit.ts';
import { createShop } from '#test/support/place.ts';
import { SHORT_TIMES, startStack, type TestStack } from '#test/support/stack.ts';
import { until } from '#test/support/until.ts';

let stack: TestStack;

test.before(async () => {
  stack = await startStack({ apart: ['gateway'], env: SHORT_TIMES });
});
test.after.always(async () => stack?.stop());

test.serial('an operator looks, acts, audits and sees what was done, without the customers’ door', async (t) => {
  const shop = createShop(stack);
  await shop.topUp('seen', 5000);
  const orderId = await shop.place({ customerId: 'seen' });
  await shop.ended(orderId);
  const api = createApi(stack.urls['console'] ?? '', stack.operatorToken);
  stack.kill('gateway');

  const order = await api.get<{ status: string }>(`/v1/orders/${orderId}`);
  t.like(order, { status: 200, body: { status: 'completed' } });
  await until(
    'the breakers are reported',
    () => api.get<{ items?: readonly object[] }>('/v1/breakers'),
    ({ status, body }) => status === 200 && (body.items?.length ?? 0) > 0,
  );
  t.is((await api.get<object>('/v1/workers')).status, 200);
  t.deepEqual((await auditOver(api, { graceMs: 300 })).items, []);
  t.is((await api.post<object>('/v1/wallets/seen/top-ups', { amount: 100, currency: 'EUR' })).status, 201);
  const { body } = await api.get<{ items: readonly object[] }>('/v1/acts');
  t.like(body.items[0], { by: 'operator', operation: 'topUp', path: '/v1/wallets/seen/top-ups', status: 201 });
  t.like(
    body.items.find((act) => (act as { operation: string }).operation === 'runAudit'),
    { path: '/v1/audit', status: 200 },
  );
});

test.serial('a customer is refused there', async (t) => {
  const answer = await fetch(`${stack.urls['console']}/v1/orders`, {
    headers: { authorization: `Bearer ${await stack.tokenOf('seen')}` },
  });
  t.is(answer.status, 403);
});
