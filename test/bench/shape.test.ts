import test from 'ava';
import { shapeOfSaga } from '#bench/against/shape.ts';
import { askedSteps } from '#shared/saga/definition.ts';
import { placeOrder } from '#services/saga/place-order-versions.ts';

test('what the peers have to do is what a happy order does here: each of its steps, and an answer to the saga', async (t) => {
  const { messages, steps } = await shapeOfSaga();
  const types = steps.map(({ type }) => type);
  t.is(types[0], 'order.place');
  for (const { command } of askedSteps(placeOrder)) t.true(types.includes(command.name), command.name);
  t.is(types.length, askedSteps(placeOrder).length + 1);
  t.is(new Set(messages.map(({ type }) => type)).size, messages.length, 'no message is there twice');
  const answers = messages.filter(({ routes }) => routes.at(-1) === 'saga');
  t.is(answers.length, steps.length, 'each step is answered, and the saga goes on');
  for (const { content } of messages) t.notThrows(() => JSON.parse(content) as unknown);
});
