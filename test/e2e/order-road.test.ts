import test from 'ava';
import { stockShelves } from '#local/commands/simulator/shelves.ts';
import { systemClock } from '#shared/clock.ts';
import { goodAt } from '#test/support/goods.ts';
import { createShop, type Shop } from '#test/support/place.ts';
import { SHORT_TIMES, startStack, type TestStack } from '#test/support/stack.ts';
import { openDocuments, type Documents } from '#test/support/documents.ts';
import { commandMessage, connectWire, type Wire } from '#test/support/wire.ts';
import { attachPayment, fail, place, recordDispatch } from '#services/order/contract.ts';
import { created, settled, voidPayment } from '#services/payment/contract.ts';
import { cancel } from '#services/saga/contract.ts';
import { holdIdOf, release } from '#services/wallet/contract.ts';
import type { CommandType } from '#shared/message.ts';

let stack: TestStack;
let shop: Shop;
let wire: Wire;
let documents: Documents;

/** An effect may take a quarter of the TTL, and `pm_slow` takes a second. */
const PATIENT = { MESSAGE_TTL_MS: '6000', GATE_CYCLE_MS: '7000', STEP_DEADLINE_MS: '14000' };

test.before(async () => {
  stack = await startStack({ env: { ...SHORT_TIMES, ...PATIENT } });
  shop = createShop(stack);
  wire = connectWire(stack);
  documents = await openDocuments(stack);
});
test.after.always(async () => {
  await documents?.close();
  await wire?.close();
  await stack?.stop();
});

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

test('an order travels all thirteen steps: accepted, paid, told, completed', async (t) => {
  await shop.topUp('happy', 10_000);
  const accepted = await shop.request(
    { customerId: 'happy', amount: 2599 },
    { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` },
  );
  t.is(accepted.status, 202);
  t.is(accepted.body.status, 'pending');
  const location = accepted.headers.get('location') ?? '';
  t.is((await stack.api.get<{ id: string }>(location)).body.id, accepted.body.id, 'readable at once');

  const { order, timeline } = await shop.ended(accepted.body.id);
  t.is(order.status, 'completed');
  t.deepEqual(
    timeline.milestones.map(({ number }) => number),
    Array.from({ length: 13 }, (_, index) => index + 1),
  );
  t.deepEqual(timeline.compensations, []);
  t.true(timeline.steps.every(({ state }) => state === 'done'));

  const [payment, ...others] = await shop.payments(order.id);
  t.deepEqual(others, []);
  t.like(payment, { amount: { amount: 2599, currency: 'EUR' }, status: 'settled', id: order.paymentId! });
  t.like(order.payment, { id: payment!.id, status: 'settled', capturedAt: payment!.capturedAt! });

  t.deepEqual(
    (await shop.entries('happy')).map(({ kind, amount, orderId }) => [kind, amount, orderId]),
    [
      ['top-up', 10_000, undefined],
      ['hold', 2599, order.id],
      ['capture', 2599, order.id],
    ],
  );
  t.like(await shop.wallet('happy'), { available: { amount: 7401, currency: 'EUR' }, held: { amount: 0 } });

  const [mail, ...copies] = await shop.mails(order.id);
  t.deepEqual(copies, []);
  t.deepEqual(
    mail!.to.map(({ address }) => address),
    ['happy@example.org'],
  );
  t.true(mail!.text?.includes(order.id) && mail!.html?.includes(order.id));
  t.is(mail!.headers['traceparent']?.split('-')[1], TRACE, 'the trace of the request reaches the mail');
  const { items } = await shop.read<{ items: { messageId: string; acceptedAt: string }[] }>(
    `/v1/orders/${order.id}/emails`,
  );
  t.deepEqual(
    items.map(({ messageId }) => messageId),
    [`<${mail!.messageId}>`],
  );
  t.true(order.notification!.dispatchedAt >= items[0]!.acceptedAt);
});

test('an order at every limit of the API, in letters of three bytes, travels the whole road', async (t) => {
  const customerId = '顧'.repeat(66);
  const email = `${'a'.repeat(60)}@${Array.from({ length: 3 }, () => 'b'.repeat(60)).join('.')}.example`;
  const price = { amount: 10_000_000_000, currency: 'EUR' };
  const items = Array.from({ length: 100 }, (_, n) => ({
    sku: `${n}`.padStart(3, '0') + '顧'.repeat(32),
    quantity: 1,
    unitPrice: price,
  }));
  const shelves = { api: stack.api, clock: systemClock, run: 'limits' };
  await stockShelves(
    shelves,
    items.map(({ sku }) => goodAt(price.amount, 'EUR', sku)),
  );
  await shop.topUp(encodeURIComponent(customerId), 1_000_000_000_000);
  const { status, body } = await stack.api.post<{ readonly id: string }>('/v1/orders', { customerId, email, items });
  t.is(status, 202, JSON.stringify(body));
  const { order } = await shop.ended(body.id);
  t.is(order.status, 'completed');
  t.deepEqual(order.items, items);
  t.like(await shop.wallet(customerId), { available: { amount: 0 }, held: { amount: 0 } });
  t.is((await shop.mails(order.id)).length, 1);
  for (const collection of ['orders', 'sagas', 'deliveries']) {
    const bytes = await documents.bytes(collection, order.id);
    t.true(bytes > 1000 && bytes < 64 * 1024, `${collection}: ${bytes} bytes`);
  }
});

test('the hold comes first, then the authorization, then the capture', async (t) => {
  await shop.topUp('slow', 10_000);
  const id = await shop.place({ customerId: 'slow', paymentMethod: 'pm_slow' });
  await shop.waitingFor(id, 'authorize-payment');
  t.like(await shop.wallet('slow'), { available: { amount: 9000 }, held: { amount: 1000 } });
  const [payment] = await shop.payments(id);
  t.like(payment, { status: 'created' });
  const body = { orderId: id, paymentId: payment!.id };
  const asked = { correlationId: id, replyTo: { route: 'saga', key: id } };
  await wire.send(commandMessage(attachPayment, body, { ...asked, id: `${id}:attach-payment:do` }));
  const { order } = await shop.ended(id);
  t.is(order.status, 'completed');
  t.like(await shop.wallet('slow'), { available: { amount: 9000 }, held: { amount: 0 } });
  t.is((await shop.payments(id)).length, 1);
});

test('cancelled before the capture: everything is given back, and the customer is told once', async (t) => {
  await shop.topUp('fickle', 5000);
  const id = await shop.place({ customerId: 'fickle', paymentMethod: 'pm_slow' });
  await shop.waitingFor(id, 'authorize-payment');
  const answer = await shop.cancel(id);
  t.is(answer.status, 202, JSON.stringify(answer.body));
  const { order, timeline } = await shop.ended(id);
  t.is(order.status, 'cancelled');
  t.is(timeline.state, 'cancelled');
  t.deepEqual(
    timeline.compensations.map(({ step }) => step),
    ['hold-funds', 'create-payment', 'reserve-stock/1', 'initialise-order'],
  );
  t.like(await shop.wallet('fickle'), { available: { amount: 5000 }, held: { amount: 0 } });
  t.like(await shop.payments(id), [{ status: 'voided' }]);
  t.deepEqual(
    (await shop.entries('fickle')).map(({ kind }) => kind),
    ['top-up', 'hold', 'release'],
  );
  t.is((await shop.mails(id)).length, 1);
  t.is((await shop.cancel(id)).status, 200, 'it is as was asked');
});

test('two orders of 60 at once on a wallet of 100: exactly one completes', async (t) => {
  await shop.topUp('hundred', 100);
  const both = await Promise.all([1, 2].map(() => shop.run({ customerId: 'hundred', amount: 60 })));
  t.deepEqual(both.map(({ order }) => order.status).toSorted(), ['completed', 'failed']);
  t.is(both.find(({ order }) => order.status === 'failed')!.order.failure?.reason, 'insufficient_funds');
  t.like(await shop.wallet('hundred'), { available: { amount: 40 }, held: { amount: 0 } });
});

test('messages that come again or late to a completed order change nothing', async (t) => {
  await shop.topUp('again', 10_000);
  const { order } = await shop.run({ customerId: 'again' });
  const seen = async () => ({
    order: await shop.order(order.id),
    timeline: await shop.timeline(order.id),
    wallet: await shop.wallet('again'),
    entries: await shop.entries('again'),
    payments: await shop.payments(order.id),
    mails: (await shop.mails(order.id)).map(({ messageId }) => messageId),
  });
  const before = await seen();
  const { id: orderId, customerId, email, items, total, paymentMethod } = order;
  const paymentId = order.paymentId!;
  const copyOf = <Body>(type: CommandType<Body>, body: Body, id: string) =>
    wire.send(commandMessage(type, body, { id, correlationId: orderId, replyTo: { route: 'saga', key: orderId } }));
  for (const copy of ['', ':copy']) {
    await copyOf(
      place,
      { orderId, customerId, email, items: [...items], total, paymentMethod },
      `${orderId}:place${copy}`,
    );
    await copyOf(attachPayment, { orderId, paymentId }, `${orderId}:attach-payment:do${copy}`);
    await copyOf(recordDispatch, { orderId, dispatchedAt: 1 }, `${orderId}:record-dispatch:do${copy}`);
  }
  // What the order heard beside the saga, once as it was and once as if it were new.
  for (const copy of ['', ':copy']) {
    const heard = { key: orderId, correlationId: orderId, causationId: `${orderId}:create-payment:do` };
    const capturedAt = Date.parse(order.payment!.capturedAt!);
    const told = { id: `${orderId}:create-payment:do>${created.name}${copy}`, type: created.name, body: { paymentId } };
    await wire.send({ ...heard, ...told }, 'order-and-saga');
    const paid = { id: `${orderId}:settle-payment:do>${settled.name}${copy}`, type: settled.name };
    await wire.send({ ...heard, ...paid, body: { paymentId, capturedAt: capturedAt + 1 } }, 'order-and-saga');
  }
  const failure = { reason: 'test', step: 'test' };
  await copyOf(fail, { orderId, status: 'failed', failure }, 'undo-1');
  await copyOf(voidPayment, { paymentId, orderId, of: 'nothing', reason: 'test' }, 'undo-2');
  await copyOf(release, { customerId, orderId, holdId: holdIdOf(orderId), of: 'nothing' }, 'undo-3');
  // From the gateway, which wants no answer as a message.
  await wire.send(commandMessage(cancel, { orderId }, { id: 'cancel-1', correlationId: orderId }));
  // The last message of each key: those before it were handled before it.
  await documents.handled('orders', orderId, 'undo-1');
  await documents.handled('payments', paymentId, 'undo-2');
  await documents.handled('wallets', customerId, 'undo-3');
  await documents.handled('sagas', orderId, 'undo-1>order.failed');
  await documents.handled('sagas', orderId, 'cancel-1');
  t.deepEqual(await seen(), before);
});
