import { z } from 'zod';
import type { Run } from './suite-run.ts';
import { policy, table, type World } from './world.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { dead, expired, parked, questionGate, questionQueues } from '#shared/bus/topology/topology.ts';
import { silentLog } from '#shared/log.ts';
import { createAsker, type Asker } from '#shared/question/asker.ts';
import { answerQuestion, question, QuestionError } from '#shared/question/question.ts';
import { createResponder } from '#shared/question/responder.ts';

const status = question('payment.status', {
  body: z.object({ payment: z.string() }),
  key: (body) => body.payment,
  answer: z.string(),
});

async function asked(asker: Asker, payment: string): Promise<string> {
  try {
    return await asker.ask(status, { payment }, { waitMs: 250 });
  } catch (error) {
    if (error instanceof QuestionError) return error.code;
    throw error;
  }
}

async function answering(world: World, bus: Bus): Promise<void> {
  const handlers = [answerQuestion(status, () => 'paid')];
  const { clock } = world;
  const responder = createResponder({ handlers, bus, clock, log: silentLog, stateOf: async () => undefined });
  for (const queue of questionQueues(table, 'payment')) await world.during(responder.take(queue));
}

export function questions(run: Run): void {
  run('a question that nobody took is evidence and is dropped; an open route refuses questions', async (t, world) => {
    await world.breaker();
    await world.until(() => world.view('payment') !== undefined);
    const { clock } = world;
    const asker = createAsker({ bus: await world.during(world.connect('gateway')), clock, log: silentLog });
    t.is(await world.during(asked(asker, 'a')), 'late');
    await world.gateIs('payment', 'half_open');
    t.is(await world.gate('notify'), 'closed');
    let last = '';
    await world.until(async () => (last = await world.during(asked(asker, 'b'))) === 'refused');
    t.is(last, 'refused');
    t.is(await world.gate('payment'), 'open');
    const seen = world.view('payment')?.expiredTotal ?? 0;
    t.true(seen >= 2, `${seen} expired`);

    await answering(world, await world.during(world.connect('payment')));
    await world.gateIs('payment', 'half_open');
    const before = clock.now();
    await world.until(async () => (await world.during(asked(asker, 'c'))) === 'paid');
    await world.gateIs('payment', 'closed');
    t.true(clock.now() - before >= policy.delayMs, 'a half-open gate delays no question');
    const session = await world.during(world.administrator());
    const depths = [parked, dead, expired].map((name) => world.during(session.depth(name('payment'))));
    t.deepEqual(await Promise.all(depths), [0, 0, 0]);
    await world.during(asker.close());
  });

  run('a gate of questions that somebody moved is moved back', async (t, world) => {
    await world.breaker();
    await world.until(() => world.view('payment') !== undefined);
    const session = await world.during(world.administrator());
    await world.during(session.unbind(questionGate('payment')));
    const isBound = async (): Promise<boolean> =>
      (await world.readBindings()).some(({ source }) => source === questionGate('payment').source);
    t.false(await world.during(isBound()));
    await world.until(isBound);
    t.is(await world.gate('payment'), 'closed');
  });
}
