/** SG-14 with the real entities and the real engine over the in-memory broker, made from the saga's definition. */
import test, { type ExecutionContext } from 'ava';
import { details, stepCases, type OwedUndo, type StepCase } from '#test/services/saga/cases.ts';
import { createRoad, FUNDS, type Road } from '#test/town/road.ts';
import { asHappened, undone } from '#test/support/stage.ts';
import { placeOrder } from '#services/saga/place-order-versions.ts';
import { wholeOf } from '#shared/saga/fan-out.ts';

const { orderId, total } = details;
const steps = stepCases(placeOrder);
const doIdOf = ({ name }: StepCase): string => `${orderId}:${name}:do`;

test('nothing goes wrong: the order completes and every milestone is reached', async (t) => {
  const world = await createRoad();
  await world.start();
  await world.ended();
  t.is(world.order?.status, 'completed');
  t.is(world.timeline.milestones.length, 13);
  t.is(world.delivered, 'arranged');
  t.like(world.wallet, { available: FUNDS - total.amount, held: 0, captured: total.amount });
  t.is(world.mails.length, 1);
});

for (const step of steps) {
  const { name, service, command } = step;

  if (step.canRefuse) {
    test(`${name} refused: what was done before is undone`, async (t) => {
      const world = await createRoad();
      await world.fault(service, { refuseAt: [command] });
      await world.start();
      await world.ended();
      isUndone(t, world, step, step.afterRefusal(orderId));
    });
  }

  const isLast = step === steps.at(-1);
  test(`${name} done, its answers lost: ${isLast ? 'the order is completed' : 'it is undone as well'}`, async (t) => {
    const world = await createRoad();
    world.lose(({ headers }) => headers['causation-id'] === doIdOf(step));
    await world.start();
    await world.ended();
    if (!isLast) return isUndone(t, world, step, step.afterSilence(orderId));
    t.is(world.order?.status, 'completed');
    t.is(world.timeline.state, 'completed');
  });

  test(`${name} lost on its way to ${service}: it is undone as well`, async (t) => {
    const world = await createRoad();
    world.lose(({ messageId }) => messageId === doIdOf(step));
    await world.start();
    await world.ended();
    isUndone(t, world, step, step.afterSilence(orderId));
  });

  test(`${name} crashing for ever: it is undone as well, and its message is kept for a person`, async (t) => {
    const world = await createRoad();
    await world.fault(service, { crashAt: [command] });
    await world.start();
    await world.clock.until(() => world.hasBegun && world.timeline.state !== 'running', 3_600_000);
    await world.fault(service, {});
    await world.ended();
    isUndone(t, world, step, step.afterSilence(orderId));
    t.true(world.broker.queue(`${service}.dead`).ready.some(({ messageId }) => messageId === doIdOf(step)));
  });

  if (step.forwardOnly) {
    test(`${name} failing for a while: the order completes`, async (t) => {
      const world = await createRoad();
      await world.fault(service, { crashAt: [command] });
      await world.start();
      await world.clock.until(() => world.hasBegun && (world.timeline.waitingFor?.attempt ?? 1) > 2);
      await world.fault(service, {});
      await world.ended();
      t.is(world.order?.status, 'completed');
      t.deepEqual(world.timeline.compensations, []);
      t.is(world.mails.length, 1);
    });
  }
}

function isUndone(t: ExecutionContext, world: Road, step: StepCase, owed: readonly OwedUndo[]): void {
  const { order, timeline, wallet, payment } = world;
  t.is(order?.status, 'failed');
  t.is(timeline.state, 'failed');
  t.is(timeline.failure?.step, wholeOf(step.name));
  t.deepEqual(undone(timeline), asHappened(timeline, owed));
  t.true(timeline.compensations.every(({ state }) => state === 'undone'));
  t.like(wallet, { available: FUNDS, held: 0, captured: 0 });
  t.not(payment?.status, 'settled');
  t.is(world.captured.size, 0);
  t.not(world.delivered, 'arranged');
  const kinds = world.entries().map(({ kind }) => kind);
  t.is(new Set(kinds).size, kinds.length);
  const outcomes = world.mails.map(({ messageId }) => messageId);
  t.is(new Set(outcomes).size, outcomes.length, 'one mail per outcome');
  for (const queue of world.broker.queues().filter((name) => /\.\d{3}$/.test(name)))
    t.is(world.broker.queue(queue).ready.length, 0, queue);
}
