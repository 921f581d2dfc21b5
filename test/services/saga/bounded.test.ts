/** Whatever somebody sends to an order and its saga, for days: what is stored of them stays small. */
import test, { type ExecutionContext } from 'ava';
import { answerBody, details } from './cases.ts';
import { RETRYING, createOutside } from '#test/town/outside.ts';
import { STOCK, createRoad, type Road } from '#test/town/road.ts';
import * as fields from '#services/fields.ts';
import type { Mail } from '#services/notify/notification.ts';
import { attachPayment, fail, recordDispatch, withdrawDispatch } from '#services/order/contract.ts';
import { paymentIdOf } from '#services/payment/contract.ts';
import { cancel } from '#services/saga/contract.ts';
import { askedSteps } from '#shared/saga/definition.ts';
import { placeOrder, placeOrder4 } from '#services/saga/place-order-versions.ts';
import { encode } from '#shared/bus/envelope.ts';
import { hash, inbox } from '#shared/bus/topology/topology.ts';
import { TOO_LATE, type Message } from '#shared/message.ts';

const LIMIT = 64 * 1024;
const HOUR_MS = 3_600_000;
const { orderId } = details;
const paymentId = paymentIdOf(orderId);
const sizeOf = (value: unknown): number => JSON.stringify(value).length;

const longSku = (n: number): string => `${n}-`.padEnd(fields.MAX_SKU_BYTES, 'x');
const items = Array.from({ length: fields.MAX_ITEMS }, (_, n) => {
  return { sku: longSku(n), quantity: 50, unitPrice: { amount: 1, currency: 'EUR' } as const };
});
const hundred = { ...details, items, total: { amount: 50 * fields.MAX_ITEMS, currency: 'EUR' } } as const;

/** One hour of it: `n` makes the ids of every hour and every copy other ids. */
function nuisance(n: number, now: number): readonly { readonly exchange: string; readonly message: Message }[] {
  const common = { key: orderId, correlationId: orderId };
  const rememberUntil = now + HOUR_MS;
  const steps = askedSteps(placeOrder);
  const answers = steps.flatMap(({ name, command }) =>
    [command.done, command.refused].flatMap((type) => {
      if (type === undefined) return [];
      const body = answerBody(type, { orderId, paymentId, reason: 'none' });
      const causes = [`${orderId}:${name}:do`, `nobody:${n}`];
      return causes.map((causationId) => ({ type: type.name, body, causationId }));
    }),
  );
  const failure = { reason: 'test', step: 'test' };
  const commands = [
    { type: attachPayment.name, body: { orderId, paymentId } },
    { type: recordDispatch.name, body: { orderId, dispatchedAt: n } },
    { type: withdrawDispatch.name, body: { orderId, of: 'nothing' } },
    { type: fail.name, body: { orderId, status: 'failed', failure } },
  ];
  const late = { type: TOO_LATE, body: { command: 'payment.create' }, causationId: `${orderId}:create-payment:do` };
  const heard = answers.filter(({ type }) => type === 'payment.created' || type === 'payment.settled');
  const cancels = Array.from({ length: 20 }, () => ({ type: cancel.name, body: { orderId } }));
  return [
    ...cancels.map((one) => ({ exchange: inbox('saga'), one })),
    ...[...answers, late].map((one) => ({ exchange: hash('saga'), one })),
    ...[...commands, ...heard, late].map((one) => ({ exchange: hash('order'), one })),
  ].map(({ exchange, one }, index) => ({
    exchange,
    message: { ...common, ...one, id: `nuisance:${n}:${index}`, rememberUntil },
  }));
}

async function harassed(t: ExecutionContext, world: Road, hours: number): Promise<void> {
  let largest = 0;
  for (let hour = 0; hour < hours; hour += 1) {
    for (const { exchange, message } of nuisance(hour, world.clock.now())) {
      world.broker.put(exchange, encode(message));
      world.broker.put(exchange, encode(message));
    }
    await world.clock.advance(HOUR_MS);
    const { saga, order } = world.stored();
    largest = Math.max(largest, sizeOf(saga), sizeOf(order));
    t.true(sizeOf(saga.state) < 4000 && sizeOf(order.state) < 4000, 'what it knows');
  }
  t.log(`largest: ${largest} bytes`);
  t.true(largest < LIMIT, `${largest} bytes`);
}

test('a completed order that is cancelled, answered and sent again for two days stays under 64 KB', async (t) => {
  const world = await createRoad();
  await world.start();
  await world.ended();
  const before = JSON.stringify([world.stored().saga.state, world.stored().order.state]);
  await harassed(t, world, 48);
  t.is(JSON.stringify([world.stored().saga.state, world.stored().order.state]), before, 'and is as it was');
});

test('so does one whose undo nobody answers for a day, tried again and again', async (t) => {
  const world = await createRoad();
  world.lose(({ messageId = '' }) => messageId.includes(':do>wallet.held') || messageId.endsWith('hold-funds:undo'));
  await world.start();
  await world.clock.until(() => world.hasBegun && world.timeline.state === 'undoing', HOUR_MS);
  await harassed(t, world, 24);
  t.is(world.timeline.state, 'undoing');
  t.true(world.timeline.compensations[0]!.attempts > 1000);
  world.lose(() => false);
  await world.ended();
  t.is(world.timeline.state, 'failed');
});

test('so does that of an order of a hundred products whose payment is declined at each of eight tries, all released in between', async (t) => {
  const retrying = { ...RETRYING, tries: 8, stockBetween: 'release' } as const;
  const usual = createOutside(() => 0).provider;
  const said = fields.saidFrom('x'.repeat(100_000));
  const provider: typeof usual = { ...usual, authorize: async () => ({ approved: false, ...said }) };
  const world = await createRoad({ order: hundred, roads: [placeOrder4(retrying)], ports: { provider } });
  await world.start();
  await world.ended();
  t.is(world.order?.status, 'failed');
  t.true(world.stock.every(({ reserved, onHand }) => reserved === 0 && onHand === STOCK));
  const sent = world.timeline.messages.filter(
    ({ direction, type }) => direction === 'sent' && type === 'payment.authorize',
  );
  t.is(new Set(sent.map(({ id }) => id)).size, 8, 'every refusal is told');
  const { largest } = world.homes.get('saga')!;
  t.log(`largest: ${largest} bytes`);
  t.true(largest < LIMIT);
});

test('an order of a hundred products, each with the longest name, reserves and sells them all; its saga stays under 64 KB', async (t) => {
  const world = await createRoad({ order: hundred, roads: [placeOrder4(RETRYING)] });
  await world.start();
  await world.ended();
  t.is(world.order?.status, 'completed');
  t.true(world.stock.every(({ reserved, onHand }) => reserved === 0 && onHand === STOCK - 50));
  const { largest } = world.homes.get('saga')!;
  t.log(`largest: ${largest} bytes`);
  t.true(largest < LIMIT);
});

test('an order of the longest items is told whole to the warehouse and in part to the customer, and no document is too large for it', async (t) => {
  const world = await createRoad({ order: hundred });
  await world.start();
  await world.ended();
  t.is(world.order?.status, 'completed');
  const [{ text }] = world.mails as [Mail];
  t.true(text.includes(longSku(29)) && text.includes('and 70 more items') && text.includes('50.00 EUR'));
  t.false(text.includes(longSku(30)));
});
