import test, { type ExecutionContext } from 'ava';
import { details, stepCases } from './cases.ts';
import { cancel } from '#services/saga/contract.ts';
import { placeOrder } from '#services/saga/place-order-versions.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { createRoad, type Road } from '#test/town/road.ts';

const total = details.total.amount;

/** What holds for every order that ended, whatever happened to it (I-1 to I-5, I-9). */
function assertSettled(t: ExecutionContext, town: Road, available = 10_000): void {
  const completed = town.order?.status === 'completed';
  t.is(town.wallet?.available, completed ? available - total : available, 'available');
  t.is(town.wallet?.held, 0, 'held');
  const kinds = town.entries().map(({ kind }) => kind);
  const count = (kind: string): number => kinds.filter((one) => one === kind).length;
  t.is(count('capture') - count('refund'), completed ? 1 : 0, 'captured - refunded');
  t.is(count('hold'), count('capture') + count('release'), 'a hold resolves once');
  t.is<string, string>(town.timeline.state, town.order?.status ?? 'none');
  const last = town.mails.at(-1)!;
  t.is(new Set(town.mails.map(({ messageId }) => messageId)).size, town.mails.length, 'one mail per outcome');
  t.is(last.headers['X-Order-Id'], details.orderId);
  const undone = town.timeline.compensations.map(({ step }) => step);
  const sent = town.timeline.steps.filter(({ undo }) => undo !== undefined).map(({ name }) => name);
  t.deepEqual(undone, sent.toReversed(), 'undone in the mirrored order');
  t.is(town.delivered === 'arranged', completed, 'delivered');
  if (!completed)
    t.false(['created', 'authorized', 'settled'].includes(town.payment?.status ?? 'none'), 'payment undone');
}

test('an order travels the whole road', async (t) => {
  const town = await createRoad();
  await town.start();
  await town.ended();
  t.is(town.order?.status, 'completed');
  t.is(town.payment?.status, 'settled');
  t.is(town.mails.length, 1);
  assertSettled(t, town);
});

test('short funds: no hold, the payment is voided for that reason, one failure mail', async (t) => {
  const town = await createRoad();
  await town.start(total - 1);
  await town.ended();
  t.like(town.order, { status: 'failed', failure: { reason: 'insufficient_funds', step: 'hold-funds' } });
  t.like(town.payment, { status: 'voided', reason: 'insufficient_funds' });
  t.is(town.mails.length, 1);
  assertSettled(t, town, total - 1);
});

for (const step of stepCases(placeOrder)) {
  const doId = `${details.orderId}:${step.name}:do`;
  const isDo = ({ messageId }: Packet): boolean => messageId === doId;
  const isAnswer = ({ headers }: Packet): boolean => headers['causation-id'] === doId;
  const isUndo = (id: unknown): id is string => typeof id === 'string' && id.endsWith(':undo');

  test(`${step.name} never reaches its owner: the order fails, everything is as before`, async (t) => {
    const town = await createRoad();
    town.lose(isDo);
    await town.start();
    await town.ended();
    t.is(town.order?.status, 'failed');
    assertSettled(t, town);
  });

  test(`${step.name} has its effect, but is never answered: ${step.name === 'record-dispatch' ? 'the order is complete' : 'its effect is undone too'}`, async (t) => {
    const town = await createRoad();
    town.lose(isAnswer);
    await town.start();
    await town.ended();
    t.is(town.order?.status, step.name === 'record-dispatch' ? 'completed' : 'failed');
    if (step.name === 'notify-customer')
      t.deepEqual(
        town.notification?.mails.map(({ kind }) => kind),
        ['completed', 'correction'],
      );
    assertSettled(t, town);
  });

  test(`${step.name} fails and every undo is lost twice and unanswered twice: all is undone once`, async (t) => {
    const sent = new Map<string, number>();
    const town = await createRoad();
    town.lose((packet) => {
      const { messageId: id, headers } = packet;
      const cause = headers['causation-id'];
      if (isUndo(id)) sent.set(id, (sent.get(id) ?? 0) + 1);
      return isDo(packet) || (isUndo(id) && sent.get(id)! <= 2) || (isUndo(cause) && sent.get(cause)! <= 4);
    });
    await town.start();
    await town.ended();
    t.is(town.order?.status, 'failed');
    t.deepEqual([...new Set(sent.values())], [5]);
    assertSettled(t, town);
  });

  if (step.cancellable) {
    for (const [mishap, isLost] of [
      ['lost', isDo],
      ['unanswered', isAnswer],
    ] as const) {
      test(`cancelled while ${step.name} is outstanding (${mishap}): everything is as before`, async (t) => {
        const town = await createRoad();
        town.lose(isLost);
        await town.start();
        await town.reaches(step.name);
        town.put(cancel, { orderId: details.orderId }, 'cancel-1');
        await town.ended();
        t.is(town.order?.status, 'cancelled');
        assertSettled(t, town);
      });
    }
  }
}
