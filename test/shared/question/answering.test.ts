import test from 'ava';
import { silentLog } from '#shared/log.ts';
import { createAnswering } from '#shared/question/answering.ts';
import { answerQuestion } from '#shared/question/question.ts';
import { square } from '#test/support/question-world.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

test('twenty thousand questions that waited for one handler until nobody wanted an answer are all dropped', async (t) => {
  const clock = createVirtualClock();
  const first = Promise.withResolvers<{ square: number; by: string }>();
  const answers = [answerQuestion(square, () => first.promise)];
  const how: string[] = [];
  const options = { handlers: answers, clock, log: silentLog, stateOf: async () => undefined, concurrency: 1 };
  const answer = createAnswering({ ...options, onAnswered: (_type, one) => void how.push(one) });
  const ask = (id: number, deadline: number): object => ({ id, deadline, body: { key: 'k', n: 2 } });
  const questions = Array.from({ length: 20_000 }, (_, id) => ask(id, id === 0 ? Infinity : clock.now()));
  const packet = { asker: 'door', type: square.name, key: 'k', questions: questions as never };
  let done = false;
  answer(
    packet,
    () => {},
    () => (done = true),
  );
  await clock.advance(1000);
  first.resolve({ square: 4, by: 'one' });
  await clock.settle();
  t.deepEqual([done, how.length], [true, 20_000]);
});

test('of a question that was answered no timer is left', async (t) => {
  const clock = createVirtualClock();
  let left = 0;
  const counting = {
    ...clock,
    after(ms: number, run: () => void) {
      left += 1;
      const cancel = clock.after(ms, run);
      return () => {
        left -= 1;
        cancel();
      };
    },
  };
  const handlers = [answerQuestion(square, ({ n }, { signal }) => ({ square: n * n, by: String(signal.aborted) }))];
  const answer = createAnswering({ handlers, clock: counting, log: silentLog, stateOf: async () => undefined });
  const given: object[] = [];
  const question = { id: 1, deadline: clock.now() + 4500, body: { key: 'k', n: 2 } };
  const asked = { asker: 'door', type: square.name, key: 'k', questions: [question] };
  answer(
    asked,
    (_id, one) => given.push(one),
    () => {},
  );
  t.deepEqual([given, left], [[{ answer: { square: 4, by: 'false' } }], 0]);
});
