import type { Run } from '#test/shared/bus/conformance-run.ts';
import { questionWorld, square, squaring, type QuestionWorld } from '#test/support/question-world.ts';
import { untilTrue } from '#test/support/until.ts';
import { questionGate } from '#shared/bus/topology/topology.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { QuestionError, QuestionProblem } from '#shared/question/question.ts';

const WAIT = { waitMs: 5000 };

async function failure(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
    return 'answered';
  } catch (error) {
    if (error instanceof QuestionError) return error.code;
    return error instanceof QuestionProblem ? `problem ${error.code}` : String(error);
  }
}

/** What a question is, on whichever broker. */
export function asking(run: Run): void {
  run('a question is answered by the owner of its key', async (t, broker) => {
    const world: QuestionWorld = await questionWorld(broker);
    await world.worker('one', squaring('one'));
    const asker = await world.asker('door');
    const answer = await asker.ask(square, { key: 'k', n: 7 }, { ...WAIT, traceparent: '00-a-b-01' });
    t.deepEqual(answer, { square: 49, by: 'one', traceparent: '00-a-b-01' });
    t.is(asker.waiting, 0);
    await asker.close();
  });

  run(
    'a problem of the owner and a handler that breaks are told apart, and disturb nothing beside them',
    async (t, broker) => {
      const world = await questionWorld(broker);
      await world.worker('one', squaring('one'));
      const asker = await world.asker('door');
      const asked = [13, 0, 3].map((n) => failure(asker.ask(square, { key: 'k', n }, WAIT)));
      t.deepEqual(await Promise.all(asked), ['problem unlucky', 'broken', 'answered']);
      const problem = await t.throwsAsync(asker.ask(square, { key: 'k', n: 13 }, WAIT), {
        instanceOf: QuestionProblem,
      });
      t.deepEqual(problem?.members, { n: 13 });
      await asker.close();
    },
  );

  run('an open gate refuses questions at once, and a closed one takes them again', async (t, broker) => {
    const world = await questionWorld(broker);
    await world.worker('one', squaring('one'));
    const asker = await world.asker('door');
    await world.session.unbind(questionGate('sums'));
    t.is(await failure(asker.ask(square, { key: 'k', n: 2 }, WAIT)), 'refused');
    await world.session.bind(questionGate('sums'));
    t.is(await failure(asker.ask(square, { key: 'k', n: 2 }, WAIT)), 'answered');
    await asker.close();
  });

  run('nobody answers: one clean late, and nothing stays', async (t, broker) => {
    const world = await questionWorld(broker, 500);
    const asker = await world.asker('door');
    const before = clock.now();
    t.is(await failure(asker.ask(square, { key: 'k', n: 2 }, { waitMs: 300 })), 'late');
    t.true(clock.now() - before < 2000);
    t.is(asker.waiting, 0);
    await world.empty();
    await untilTrue(async () => (await world.session.depth('sums.expired')) > 0);
    await asker.close();
  });
}
