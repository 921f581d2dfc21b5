import test from 'ava';
import { silentLog } from '#shared/log.ts';
import { createAnswering } from '#shared/question/answering.ts';
import { answerQuestion } from '#shared/question/question.ts';
import type { AskedQuestion, AskedQuestions } from '#shared/question/wire.ts';
import { square } from '#test/support/question-world.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

const questionOf = (id: number, n: number, deadline: number): AskedQuestion => ({
  id,
  deadline,
  body: { key: 'k', n },
});
const packetOf = (...questions: readonly AskedQuestion[]): AskedQuestions => ({
  asker: 'door',
  type: square.name,
  key: 'k',
  questions,
});

test('twenty thousand questions that waited for one handler until nobody wanted an answer are all dropped', async (t) => {
  const clock = createVirtualClock();
  const first = Promise.withResolvers<{ square: number; by: string }>();
  const answers = [answerQuestion(square, () => first.promise)];
  const how: string[] = [];
  const options = { handlers: answers, clock, log: silentLog, stateOf: async () => undefined, concurrency: 1 };
  const answer = createAnswering({ ...options, onAnswered: (_type, one) => void how.push(one) });
  const deadlineOf = (id: number): number => (id === 0 ? Infinity : clock.now());
  const questions = Array.from({ length: 20_000 }, (_, id) => questionOf(id, 2, deadlineOf(id)));
  let done = false;
  answer(
    packetOf(...questions),
    () => {},
    () => (done = true),
  );
  await clock.advance(1000);
  first.resolve({ square: 4, by: 'one' });
  await clock.settle();
  t.deepEqual([done, how.length], [true, 20_000]);
});

test('a handler that never ends gives its slot back at the deadline; what it tells afterwards is thrown away', async (t) => {
  const clock = createVirtualClock();
  const hung = Promise.withResolvers<{ square: number; by: string }>();
  let signal: AbortSignal | undefined;
  const handlers = [
    answerQuestion(square, ({ n }, context) => {
      if (n === 1) return { square: 1, by: 'the next' };
      ({ signal } = context);
      return hung.promise;
    }),
  ];
  const how: string[] = [];
  const options = { handlers, clock, log: silentLog, stateOf: async () => undefined, concurrency: 1 };
  const answer = createAnswering({ ...options, onAnswered: (_type, one) => void how.push(one) });
  const given: unknown[] = [];
  let done = 0;
  const ask = (id: number, n: number, deadline: number): void =>
    answer(
      packetOf(questionOf(id, n, deadline)),
      (of, one) => given.push([of, one]),
      () => (done += 1),
    );
  ask(1, 2, clock.now() + 1000);
  ask(2, 1, clock.now() + 5000);
  ask(3, 2, clock.now() + 1e15);
  await clock.advance(900);
  t.deepEqual([how, done, signal?.aborted], [[], 0, false]);
  await clock.advance(200);
  const answered = [2, { answer: { square: 1, by: 'the next' } }];
  t.deepEqual([how, done, given], [['late', 'answered'], 2, [answered]]);
  t.false(signal?.aborted, 'the third one has begun');
  await clock.advance(600_000);
  t.deepEqual([how, done, signal?.aborted], [['late', 'answered', 'late'], 3, true], 'no deadline is endless');
  hung.resolve({ square: 4, by: 'one' });
  await clock.settle();
  t.deepEqual([how.length, done, given], [3, 3, [answered]]);
});

test('of a question that was answered, at once or later, no timer is left', async (t) => {
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
  const handlers = [
    answerQuestion(square, ({ n }, { signal }) => {
      const told = { square: n * n, by: String(signal.aborted) };
      return n === 3 ? clock.sleep(10).then(() => told) : told;
    }),
  ];
  const answer = createAnswering({ handlers, clock: counting, log: silentLog, stateOf: async () => undefined });
  const given: object[] = [];
  const ask = (id: number, n: number): void =>
    answer(
      packetOf(questionOf(id, n, clock.now() + 4500)),
      (_id, one) => given.push(one),
      () => {},
    );
  ask(1, 2);
  t.deepEqual([given, left], [[{ answer: { square: 4, by: 'false' } }], 0]);
  ask(2, 3);
  t.is(left, 1);
  await clock.advance(20);
  t.deepEqual([given[1], left], [{ answer: { square: 9, by: 'false' } }, 0]);
});
