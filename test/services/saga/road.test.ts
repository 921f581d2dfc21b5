import test, { type ExecutionContext } from 'ava';
import { details, stepCases } from './cases.ts';
import { createTown, type Mishap } from './town.ts';
import { cancel } from '#services/saga/contract.ts';
import { placeOrder } from '#services/saga/place-order-versions.ts';
import type { Message } from '#shared/message.ts';

type Town = ReturnType<typeof createTown>;
const total = details.total.amount;

/** What holds for every order that ended, whatever happened to it (I-1 to I-5, I-9). */
function assertSettled(t: ExecutionContext, town: Town, available = 10_000): void {
  const completed = town.order.status === 'completed';
  t.is(town.wallet.available, completed ? available - total : available, 'available');
  t.is(town.wallet.held, 0, 'held');
  const kinds = [...town.journal.values()].map(({ kind }) => kind);
  const count = (kind: string): number => kinds.filter((one) => one === kind).length;
  t.is(count('capture') - count('refund'), completed ? 1 : 0, 'captured - refunded');
  t.is(count('hold'), count('capture') + count('release'), 'a hold resolves once');
  t.is<string, string>(town.timeline.state, town.order.status);
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
  const town = createTown();
  await town.run();
  t.is(town.order.status, 'completed');
  t.is(town.payment?.status, 'settled');
  t.is(town.mails.length, 1);
  assertSettled(t, town);
});

test('short funds: no hold, the payment is voided for that reason, one failure mail', async (t) => {
  const town = createTown();
  await town.run(total - 1);
  t.like(town.order, { status: 'failed', failure: { reason: 'insufficient_funds', step: 'hold-funds' } });
  t.like(town.payment, { status: 'voided', reason: 'insufficient_funds' });
  t.is(town.mails.length, 1);
  assertSettled(t, town, total - 1);
});

for (const step of stepCases(placeOrder)) {
  const isDo = ({ id }: Message): boolean => id.endsWith(`:${step.name}:do`);

  test(`${step.name} never reaches its owner: the order fails, everything is as before`, async (t) => {
    const town = createTown({ mishap: (message) => (isDo(message) ? 'lost' : 'none') });
    await town.run();
    t.is(town.order.status, 'failed');
    assertSettled(t, town);
  });

  test(`${step.name} has its effect, but is never answered: ${step.name === 'record-dispatch' ? 'the order is complete' : 'its effect is undone too'}`, async (t) => {
    const town = createTown({ mishap: (message) => (isDo(message) ? 'unanswered' : 'none') });
    await town.run();
    t.is(town.order.status, step.name === 'record-dispatch' ? 'completed' : 'failed');
    if (step.name === 'notify-customer')
      t.deepEqual(
        town.notification?.mails.map(({ kind }) => kind),
        ['completed', 'correction'],
      );
    assertSettled(t, town);
  });

  test(`${step.name} fails and every undo is lost twice and unanswered twice: all is undone once`, async (t) => {
    const seen = new Map<string, number>();
    const town = createTown({
      mishap(message): Mishap {
        if (isDo(message)) return 'lost';
        if (!message.id.endsWith(':undo')) return 'none';
        const times = (seen.get(message.id) ?? 0) + 1;
        seen.set(message.id, times);
        return times <= 2 ? 'lost' : times <= 4 ? 'unanswered' : 'none';
      },
    });
    await town.run();
    t.is(town.order.status, 'failed');
    t.true([...seen.values()].every((times) => times === 5));
    assertSettled(t, town);
  });

  if (step.cancellable) {
    for (const mishap of ['lost', 'unanswered'] as const) {
      test(`cancelled while ${step.name} is outstanding (${mishap}): everything is as before`, async (t) => {
        const town = createTown({ mishap: (message) => (isDo(message) ? mishap : 'none') });
        await town.run(10_000, () => town.send(cancel, { orderId: details.orderId }, 'cancel-1'));
        t.is(town.order.status, 'cancelled');
        assertSettled(t, town);
      });
    }
  }
}
