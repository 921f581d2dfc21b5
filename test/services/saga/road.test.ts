import test, { type ExecutionContext } from 'ava';
import { details, stepCases, variedItems } from './cases.ts';
import { cancel } from '#services/saga/contract.ts';
import { definitionsWith, placeOrder4 } from '#services/saga/place-order-versions.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { labelOf } from '#shared/saga/definition.ts';
import { RETRYING } from '#test/town/outside.ts';
import { STOCK, createRoad, type Road } from '#test/town/road.ts';

const order = { ...details, items: variedItems };
const total = details.total.amount;
/** The newest one, and the one with stock. */
const definitions = new Map(
  [definitionsWith(RETRYING)[0], placeOrder4(RETRYING)].map((definition) => [labelOf(definition), definition]),
);

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
  const sold = completed ? town.timeline.steps.filter(({ name }) => name.startsWith('commit-stock')).length : 0;
  t.deepEqual(
    town.stock.map(({ onHand, reserved }) => [onHand, reserved]),
    town.stock.map(() => [sold > 0 ? STOCK - 2 : STOCK, 0]),
    'stock',
  );
  if (!completed)
    t.false(['created', 'authorized', 'settled'].includes(town.payment?.status ?? 'none'), 'payment undone');
}

for (const [label, definition] of definitions) {
  test(`${label}: an order travels the whole road`, async (t) => {
    const town = await createRoad({ roads: [definition], order });
    await town.start();
    await town.ended();
    t.is(town.order?.status, 'completed');
    t.is(town.payment?.status, 'settled');
    t.is(town.mails.length, 1);
    assertSettled(t, town);
  });

  test(`${label}: short funds: no hold, the payment is voided for that reason, one failure mail`, async (t) => {
    const town = await createRoad({ roads: [definition], order });
    await town.start(total - 1);
    await town.ended();
    t.like(town.order, { status: 'failed', failure: { reason: 'insufficient_funds', step: 'hold-funds' } });
    t.like(town.payment, { status: 'voided', reason: 'insufficient_funds' });
    t.is(town.mails.length, 1);
    assertSettled(t, town, total - 1);
  });

  for (const step of stepCases(definition, order)) {
    const doId = `${details.orderId}:${step.name}:do`;
    const isDo = ({ messageId }: Packet): boolean => messageId === doId;
    const isAnswer = ({ headers }: Packet): boolean => headers['causation-id'] === doId;
    const isUndo = (id: unknown): id is string => typeof id === 'string' && id.endsWith(':undo');

    test(`${label}: ${step.name} never reaches its owner: the order fails, everything is as before`, async (t) => {
      const town = await createRoad({ roads: [definition], order });
      town.lose(isDo);
      await town.start();
      await town.ended();
      t.is(town.order?.status, 'failed');
      assertSettled(t, town);
    });

    test(`${label}: ${step.name} has its effect, but is never answered: ${step.name === 'record-dispatch' ? 'the order is complete' : 'its effect is undone too'}`, async (t) => {
      const town = await createRoad({ roads: [definition], order });
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

    test(`${label}: ${step.name} fails and every undo is lost twice and unanswered twice: all is undone once`, async (t) => {
      const sent = new Map<string, number>();
      const town = await createRoad({ roads: [definition], order });
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
        test(`${label}: cancelled while ${step.name} is outstanding (${mishap}): everything is as before`, async (t) => {
          const town = await createRoad({ roads: [definition], order });
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
}
