import test from 'ava';
import { details, stepCases, variedItems, type OwedUndo, type StepCase } from './cases.ts';
import { driveSaga, timing, type Drive } from './drive.ts';
import { placeOrder, placeOrder4 } from '#services/saga/place-order-versions.ts';
import { usualRetrying } from '#services/saga/retrying.ts';
import { labelOf } from '#shared/saga/definition.ts';
import { wholeOf } from '#shared/saga/fan-out.ts';

const NO_ANSWER = { reason: 'timed_out' };

function undone(drive: Drive): OwedUndo[] {
  return drive.undos().map(({ id, type, body }) => ({
    step: id.split(':').at(-2)!,
    command: type,
    of: (body['of'] as string | undefined) ?? `${drive.orderId}:place`,
  }));
}

/** Time passes until the saga gives up on the outstanding step. */
async function giveUp(drive: Drive): Promise<void> {
  while (drive.state?.phase === 'running') await drive.passDue();
}

const order = { ...details, items: variedItems };
const definitions = [
  placeOrder,
  placeOrder4(usualRetrying),
  placeOrder4({ ...usualRetrying, stockBetween: 'release' }),
];

/** Every step of every definition, with an order of several products on its way. */
const all = definitions.flatMap((definition, index) =>
  stepCases(definition, order).map((step) => ({
    label: index === 0 ? '' : `${labelOf(definition)}${index === 1 ? '' : ' that releases'}: `,
    step,
    drive: () => driveSaga({ definitions: [definition], order }),
  })),
);

/** A reason for which the step is not tried again. */
function forGood({ retries }: StepCase): object {
  return retries?.unless === undefined ? {} : { reason: retries.unless[0] };
}

for (const { label, step, drive: start } of all) {
  if (step.canRefuse) {
    test(`${label}${step.name} refused: what was done before is undone, newest first`, async (t) => {
      const drive = start();
      await drive.goTo(step.name);
      await drive.answer('refused', drive.last, forGood(step));
      await drive.goOn();
      t.deepEqual(undone(drive), step.afterRefusal(drive.orderId));
      const timeline = drive.timeline();
      t.is(timeline.state, 'failed');
      t.is(timeline.failure?.step, wholeOf(step.name));
      t.is(timeline.steps.find(({ name }) => name === step.name)?.state, 'refused');
      t.deepEqual(
        timeline.compensations.map(({ step: name, message, of }) => ({ step: name, command: message, of })),
        [...step.afterRefusal(drive.orderId)],
      );
    });
  }

  test(`${label}${step.name} never answered: it is undone as well`, async (t) => {
    const drive = start();
    await drive.goTo(step.name);
    const from = drive.now;
    await giveUp(drive);
    const tries = drive.sent.filter(({ id }) => id === `${drive.orderId}:${step.name}:do`);
    if (step.forwardOnly) {
      t.is(drive.now - from, timing.sagaDeadlineMs);
      t.true(tries.length > 5);
    } else {
      t.is(drive.now - from, timing.stepDeadlineMs);
      t.is(tries.length, 1);
    }
    t.true(tries.every((one) => JSON.stringify(one.body) === JSON.stringify(tries[0]!.body)));
    await drive.goOn();
    t.deepEqual(undone(drive), step.afterSilence(drive.orderId));
    t.is(drive.timeline().state, 'failed');
    t.like(drive.timeline().failure, { ...NO_ANSWER, step: wholeOf(step.name) });
  });

  if (!step.forwardOnly) {
    test(`${label}${step.name} answered too late by its owner: it is undone as well`, async (t) => {
      const drive = start();
      await drive.goTo(step.name);
      await drive.answer('too-late');
      await drive.goOn();
      t.deepEqual(undone(drive), step.afterSilence(drive.orderId));
      t.like(drive.timeline().failure, { ...NO_ANSWER, step: wholeOf(step.name) });
    });
  } else {
    test(`${label}${step.name} answered after a few tries: the order completes`, async (t) => {
      const drive = start();
      await drive.goTo(step.name);
      await drive.passDue();
      await drive.passDue();
      t.is(drive.timeline().waitingFor?.attempt, 3);
      await drive.goOn();
      t.is(drive.timeline().state, 'completed');
      t.deepEqual(undone(drive), []);
    });
  }

  test(`${label}${step.name} answered after it was given up: nothing changes`, async (t) => {
    const drive = start();
    await drive.goTo(step.name);
    const late = drive.last;
    await giveUp(drive);
    for (;;) {
      const before = drive.state;
      t.deepEqual(await drive.answer('done', late), []);
      if (step.canRefuse) t.deepEqual(await drive.answer('refused', late), []);
      t.deepEqual(drive.state, before);
      if (before?.phase === 'ended') break;
      await drive.answer();
    }
    t.deepEqual(undone(drive), step.afterSilence(drive.orderId));
  });

  test(`${label}cancelled at ${step.name}: ${step.cancellable ? 'it is undone too' : 'too late'}`, async (t) => {
    const drive = start();
    await drive.goTo(step.name);
    const [answer] = await drive.cancel();
    if (!step.cancellable) {
      t.like(answer, { type: 'saga.cancel-refused', body: { reason: 'too_late' } });
      await drive.goOn();
      t.is(drive.timeline().state, 'completed');
      return;
    }
    t.is(answer?.type, 'saga.cancelling');
    const [again] = await drive.cancel('cancel-2');
    t.is(again?.type, 'saga.cancelling');
    await drive.goOn();
    t.deepEqual(undone(drive), step.afterSilence(drive.orderId));
    t.is(drive.timeline().state, 'cancelled');
    t.like((await drive.cancel('cancel-3'))[0], { type: 'saga.cancel-refused', body: { reason: 'already_ended' } });
  });

  test(`${label}${step.name} given up, undos not answered at first: each is sent again under its id until it is`, async (t) => {
    const drive = start();
    await drive.goTo(step.name);
    await giveUp(drive);
    while (drive.state?.phase === 'undoing') {
      const undo = drive.last;
      const gaps: number[] = [];
      for (let attempt = 1; attempt <= 6; attempt += 1) {
        const from = drive.now;
        await drive.passDue();
        gaps.push(drive.now - from);
        t.is(drive.last.id, undo.id);
        t.deepEqual(drive.last.body, undo.body);
      }
      t.deepEqual(gaps, [5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
      t.like(drive.timeline().waitingFor, { message: undo.type, attempt: 7 });
      await drive.answer();
    }
    await drive.goOn();
    t.deepEqual(undone(drive), step.afterSilence(drive.orderId));
  });

  test(`${label}${step.name} and all before it answered twice: the second answer changes nothing`, async (t) => {
    const drive = start();
    await drive.place();
    for (;;) {
      const last = drive.last;
      await drive.answer();
      const before = drive.state;
      t.deepEqual(await drive.answer('done', last), []);
      t.deepEqual(drive.state, before);
      if (last.id === `${drive.orderId}:${step.name}:do`) break;
    }
  });
}
