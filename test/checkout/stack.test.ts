/** Checkouts on real processes: approved and rejected, the card nowhere to be found, and a service that stands still. */
import test from 'ava';
import { checkoutBody, goodCard } from '#test/support/checkouts.ts';
import { openDocuments } from '#test/support/documents.ts';
import { startStack, type TestStack } from '#test/support/stack.ts';
import { until } from '#test/support/until.ts';
import type { CheckoutView, EventView } from '#services/checkout/shapes.ts';

async function documentsOf(stack: TestStack): Promise<Readonly<Record<string, readonly object[]>>> {
  await using documents = await openDocuments(stack);
  const collections = (await documents.db.db?.listCollections().toArray()) ?? [];
  const all = collections.map(
    async ({ name }) => [name, await documents.db.collection(name).find().toArray()] as const,
  );
  return Object.fromEntries(await Promise.all(all));
}

test('a checkout is approved, rejected, or a problem in time while a service stands still, and of the card nothing is found', async (t) => {
  await using stack = await startStack({ apart: ['fraud'], env: { LOG_LEVEL: 'debug', CHECKOUT_STEP_MS: '10000' } });
  const headers = {
    authorization: `Bearer ${await stack.tokenOf('alice')}`,
    'content-type': 'application/json',
  };
  const ask = async <Body>(path: string, body?: object, more: object = {}) => {
    const init = {
      method: body ? 'POST' : 'GET',
      headers: { ...headers, ...more },
      ...(body && { body: JSON.stringify(body) }),
    };
    const response = await fetch(`${stack.apiUrl}${path}`, init);
    const text = await response.text();
    return { status: response.status, text, body: JSON.parse(text) as Body };
  };
  /** On a machine that is busy it may be 202 first. */
  const checkOut = async (form: object, more: object = {}) => {
    const first = await ask<CheckoutView>('/v1/checkouts', form, more);
    t.true(first.status === 201 || first.status === 202, first.text);
    return until(
      'it is decided',
      () => ask<CheckoutView>(`/v1/checkouts/${first.body.checkoutId}`),
      ({ body: { status } }) => status !== 'pending',
    );
  };
  const cvv = '9173';
  const body = checkoutBody({ creditCard: { ...goodCard, cvv } });
  const first = await checkOut(body, { 'idempotency-key': 'first' });
  t.is(
    first.body.status,
    'approved',
    `${first.text}\n${stack
      .logs()
      .filter((line) => /warn|error/.test(line))
      .slice(-20)
      .join('\n')}`,
  );
  t.true(first.body.suggestions.length > 0 && first.body.suggestions.every(({ sku }) => sku !== 'book'));
  t.deepEqual((await checkOut(body, { 'idempotency-key': 'first' })).body, first.body);
  const events = await ask<readonly EventView[]>(`/v1/checkouts/${first.body.checkoutId}/events`);
  t.is(events.body.map(({ event }) => event).join(''), 'ABDCEF');

  const rejected = await checkOut(checkoutBody({ creditCard: { ...goodCard, cvv: '91' } }));
  t.like(rejected.body, { status: 'rejected', reason: { event: 'C', code: 'card_cvv_format' } }, rejected.text);

  stack.kill('fraud', 'SIGSTOP');
  const startedAt = Date.now();
  const stuck = await ask<{ detail: string }>('/v1/checkouts', body);
  const tookMs = Date.now() - startedAt;
  stack.kill('fraud', 'SIGCONT');
  t.true([503, 504].includes(stuck.status), stuck.text);
  t.true(tookMs < 8000, `${tookMs} ms`);
  const settled = await until(
    'everybody has cleared',
    () => documentsOf(stack),
    (found) =>
      ['verifications', 'fraud_checks', 'suggestions'].every((name) =>
        (found[name] ?? []).every((one) => JSON.stringify(one).includes('"status":"cleared"')),
      ),
  );
  const queued = JSON.stringify(settled['order_queue'] ?? settled);
  t.true(queued.includes(first.body.checkoutId));
  t.is(settled['checkouts']!.length, 3);
  const secret = /4242[ -]?4242[ -]?4242[ -]?4242|9173/;
  const kept = JSON.stringify({ ...settled, workers: [] });
  t.notRegex(kept.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}|\d{13}/g, ''), secret, 'in no document');
  t.notRegex(kept, /eyJ[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+/, 'nor sealed: every checkout is over');
  t.notRegex(stack.logs().join('\n'), /4242[ -]?4242[ -]?4242[ -]?4242/, 'in no log');
});
