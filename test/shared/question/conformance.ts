import { z } from 'zod';
import type { Run } from '#test/shared/bus/conformance-run.ts';
import { questionWorld, square, squaring, type QuestionWorld } from '#test/support/question-world.ts';
import { untilTrue } from '#test/support/until.ts';
import { ask, asked, questionGate } from '#shared/bus/topology/topology.ts';
import { QuestionError, QuestionProblem } from '#shared/question/question.ts';

/** So long that none is asked again, on whatever machine. */
const WAIT = { waitMs: 60_000 };

async function failure(asking: Promise<unknown>): Promise<string> {
  try {
    await asking;
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
      const answered = [13, 0, 3].map((n) => failure(asker.ask(square, { key: 'k', n }, WAIT)));
      t.deepEqual(await Promise.all(answered), ['problem unlucky', 'broken', 'answered']);
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
    t.is(await failure(asker.ask(square, { key: 'k', n: 2 }, { waitMs: 300 })), 'late');
    t.is(asker.waiting, 0);
    await world.empty();
    await untilTrue(async () => (await world.session.depth('sums.expired')) > 0);
    await asker.close();
  });

  run('a question that nobody waits for any more is not answered', async (t, broker) => {
    const world = await questionWorld(broker);
    const asker = await world.asker('door');
    t.is(await failure(asker.ask(square, { key: 'k', n: 2 }, { waitMs: 100 })), 'late');
    let handled = 0;
    await world.worker(
      'one',
      squaring('one', async () => void (handled += 1)),
    );
    t.is(await failure(asker.ask(square, { key: 'k', n: 2 }, WAIT)), 'answered');
    await world.empty();
    t.is(handled, 1);
    await asker.close();
  });

  run('a handler is told when nobody waits any more', async (t, broker) => {
    const world = await questionWorld(broker);
    let aborted = 0;
    await world.worker(
      'one',
      squaring('one', ({ signal }) => new Promise(() => signal.addEventListener('abort', () => (aborted += 1)))),
    );
    const asker = await world.asker('door');
    // On a busy machine it may be late before anybody has it.
    await untilTrue(async () => {
      t.is(await failure(asker.ask(square, { key: 'k', n: 2 }, { waitMs: 200 })), 'late');
      return aborted > 0;
    });
    await asker.close();
  });

  run(
    'questions about one key that are asked in one turn travel together, and so do their answers',
    async (t, broker) => {
      const world = await questionWorld(broker);
      await world.session.declareQueue({ name: 'copies', type: 'classic', arguments: {} });
      await world.session.bind({ source: ask('sums'), destination: 'copies', to: 'queue', routingKey: '' });
      await world.worker('one', squaring('one'));
      const asker = await world.asker('door');
      const squares = Array.from({ length: 400 }, (_, n) => asker.ask(square, { key: `k${n % 4}`, n: n + 20 }, WAIT));
      const answers = await Promise.all(squares);
      t.deepEqual(
        answers.map((one) => one.square),
        answers.map((_, n) => (n + 20) ** 2),
      );
      t.is(await world.session.depth('copies'), 4);
      await asker.close();
    },
  );

  run('ten thousand keys that nobody knows leave nothing', async (t, broker) => {
    const world = await questionWorld(broker);
    await world.worker('one', squaring('one'));
    const asker = await world.asker('door');
    for (let from = 0; from < 10_000; from += 1000)
      await Promise.all(
        Array.from({ length: 1000 }, (_, index) =>
          failure(asker.ask(square, { key: `unknown-${from + index}`, n: index % 2 === 0 ? 13 : 3 }, WAIT)),
        ),
      );
    t.is(asker.waiting, 0);
    await world.empty();
    t.is(await world.session.depth('sums.expired'), 0);
    await asker.close();
  });

  run('what cannot be asked is refused before it is sent, and disturbs nothing beside it', async (t, broker) => {
    const world = await questionWorld(broker);
    await world.worker('one', squaring('one'));
    const asker = await world.asker('door', { maxWaiting: 2 });
    t.is(await failure(asker.ask(square, { key: 'k'.repeat(100_000), n: 2 }, WAIT)), 'unheard');
    t.is(await failure(asker.ask(square, { key: 'k'.repeat(3_000_000), n: 2 }, WAIT)), 'unheard');
    const others = [2, 3, 4].map((n) => failure(asker.ask(square, { key: 'k', n }, WAIT)));
    t.deepEqual(await Promise.all(others), ['answered', 'answered', 'unheard']);
    await asker.close();
  });

  run('what is no question, or of a newer version, ends in one clean error', async (t, broker) => {
    const world = await questionWorld(broker);
    await world.worker('one', squaring('one'));
    const asker = await world.asker('door');
    const put = (content: string, headers = {}): Promise<void> =>
      world.session.publish(asked('sums'), {
        content: Buffer.from(content),
        type: square.name,
        headers: { key: 'k', ...headers },
      });
    await put('{');
    await put('[]', { asker: 'nobody' });
    await put('[{"id":1,"body":{},"deadline":9e15}]', { asker: 'nobody' });
    const newer = { ...square, name: 'sums.cube' };
    t.is(await failure(asker.ask(newer, { key: 'k', n: 2 }, WAIT)), 'broken');
    const strange = { ...square, key: () => 'another' };
    t.is(await failure(asker.ask(strange, { key: 'k', n: 2 }, WAIT)), 'broken');
    const another = { ...square, answer: z.object({ more: z.string() }) };
    t.is(await failure(asker.ask(another, { key: 'k', n: 2 }, WAIT)), 'broken');
    t.is(await failure(asker.ask(square, { key: 'k', n: 2 }, WAIT)), 'answered');
    await world.empty();
    await asker.close();
  });
}
