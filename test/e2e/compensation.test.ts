/** SG-14 on the real broker, made from the saga's definition: a new step is tested by existing. */
import { wholeOf } from '#shared/saga/fan-out.ts';
import test, { type ExecutionContext } from 'ava';
import { stepCases, type OwedUndo, type StepCase } from '#test/services/saga/cases.ts';
import { createShop, type Shop } from '#test/support/place.ts';
import {
  createStage,
  stageGoods,
  FUNDS,
  asHappened,
  undone,
  type Played,
  type Stage,
  type Staged,
} from '#test/support/stage.ts';
import { SHORT_TIMES, startStack, type TestStack } from '#test/support/stack.ts';
import { placeOrder } from '#services/saga/place-order-versions.ts';

const steps = stepCases(placeOrder);
let stack: TestStack;
let shop: Shop;
let stage: Stage;

test.before(async () => {
  // Time to bring every order to its step before the first of them gives up waiting there.
  const times = { STEP_DEADLINE_MS: '10000', SAGA_DEADLINE_MS: '16000', RESEND_BASE_MS: '1000' };
  stack = await startStack({ env: { ...SHORT_TIMES, ...times }, goods: stageGoods(steps) });
  shop = createShop(stack);
  stage = createStage(shop, steps);
});
test.after.always(async () => stack?.stop());
test.afterEach.always(async () => {
  if (stack) await stage.heal(...new Set(steps.map(({ service }) => service)));
});

test.serial('refused at each step: what was done before is undone, newest first', async (t) => {
  for (const step of stage.latestFirst.filter(({ canRefuse }) => canRefuse)) {
    await shop.fault(step.service, { refuseAt: [step.command] });
    const played = await stage.play(await stage.place(step, 'refused'));
    await stage.heal(step.service);
    isUndone(t, played, 'refused', step.afterRefusal(played.orderId));
  }
});

test.serial('crashing for ever at each step: it is undone as well', async (t) => {
  const staged: Staged[] = [];
  for (const step of stage.latestFirst) {
    await stage.crashAt(step);
    const one = await stage.place(step, 'crashing');
    await stage.waitsAt(one);
    staged.push(one);
  }
  await Promise.all(staged.map((one) => stage.turnsBack(one)));
  await stage.heal('notify');
  for (const played of await Promise.all(staged.map((one) => stage.play(one))))
    isUndone(t, played, 'crashed', played.step.afterSilence(played.orderId));
});

/** Services whose steps do not follow each other: each order waits at the step before until nobody answers its own. */
for (const services of [['wallet', 'notify'], ['payment'], ['order'], ['delivery']]) {
  test.serial(`no answers from ${services.join(' and ')}, at each step: it is undone as well`, async (t) => {
    const staged: Staged[] = [];
    const silent = stage.latestFirst.filter(({ service }) => services.includes(service));
    const barriers = new Set<string>();
    for (const step of silent) {
      const before = stage.before(step);
      if (before === undefined) continue;
      barriers.add(before.service);
      await stage.crashAt(before);
      const one = await stage.place(step, 'silent');
      await shop.waitingFor(one.orderId, before.name);
      staged.push(one);
    }
    for (const service of services) await shop.fault(service, { stopAnswering: true });
    await stage.heal(...barriers);
    const first = silent.find((step) => stage.before(step) === undefined);
    if (first !== undefined) staged.push(await stage.place(first, 'silent'));
    await Promise.all(
      services.map(async (service) => {
        await Promise.all(staged.filter(({ step }) => step.service === service).map((one) => stage.turnsBack(one)));
        await stage.heal(service);
      }),
    );
    t.is(staged.length, silent.length);
    for (const played of await Promise.all(staged.map((one) => stage.play(one)))) {
      // The order was completed unheard, which is final: the undo of the last step learns it.
      if (played.step === steps.at(-1)) t.is(played.order.status, 'completed');
      else isUndone(t, played, 'timed out', played.step.afterSilence(played.orderId));
    }
  });
}

test.serial('a fault that passes at a step that is only retried forward: the order completes', async (t) => {
  const forward = stage.latestFirst.filter(({ forwardOnly }) => forwardOnly);
  const staged: Staged[] = [];
  for (const step of forward) {
    await stage.crashAt(step);
    const one = await stage.place(step, 'passing');
    await stage.waitsAt(one);
    staged.push(one);
  }
  await Promise.all(
    staged.map(({ orderId }) =>
      shop.timelineWhen(orderId, 'was tried again', ({ waitingFor }) => (waitingFor?.attempt ?? 1) > 1),
    ),
  );
  await stage.heal(...new Set(forward.map(({ service }) => service)));
  for (const { order, timeline, step, entries } of await Promise.all(staged.map((one) => stage.play(one)))) {
    t.is(order.status, 'completed', step.name);
    t.deepEqual(timeline.compensations, []);
    t.deepEqual(
      entries.map(({ kind }) => kind),
      ['top-up', 'hold', 'capture'],
    );
    t.is((await shop.mails(order.id)).length, 1);
  }
});

function isUndone(t: ExecutionContext, played: Played, how: string, owed: readonly OwedUndo[]): void {
  const { step, order, timeline, wallet, entries, orderId } = played;
  const about = `${step.name} ${how}`;
  t.is(order.status, 'failed', about);
  t.is(timeline.state, 'failed', about);
  t.is(order.failure?.step, wholeOf(step.name), about);
  if (how !== 'refused') t.is(order.failure?.reason, 'timed_out', about);
  t.deepEqual(undone(timeline), asHappened(timeline, owed), about);
  t.true(
    timeline.compensations.every(({ state }) => state === 'undone'),
    about,
  );
  const inOrder = timeline.compensations.map(({ sentAt }) => sentAt);
  t.deepEqual(inOrder, inOrder.toSorted(), about);
  t.like(wallet, { available: { amount: FUNDS }, held: { amount: 0 } }, about);
  t.is(entries.filter(({ kind }) => kind === 'hold').length, effectsBefore(step, how, 'wallet.hold'), about);
  t.is(order.id, orderId);
}

/** How often a command had its effect, by the time the order turned back at the step. */
function effectsBefore(step: StepCase, how: string, command: string): number {
  const at = steps.findIndex((one) => one.command === command);
  const turned = steps.indexOf(step);
  return at < turned || (at === turned && how === 'timed out') ? 1 : 0;
}
