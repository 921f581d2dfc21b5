import test from 'ava';
import { shapeOfSaga } from '#bench/against/shape.ts';
import { askedSteps } from '#services/saga/definition.ts';
import { placeOrder } from '#services/saga/place-order.ts';

test('what the peers have to do is what a happy order does here: each of its steps, and an answer to the saga', async (t) => {
  const { messages, steps } = await shapeOfSaga();
  const types = steps.map(({ type }) => type);
  t.is(types[0], 'order.place');
  for (const { command } of askedSteps(placeOrder)) t.true(types.includes(command.name), command.name);
  t.is(new Set(messages.map(({ type, route }) => `${type} to ${route}`)).size, messages.length, 'none is there twice');
  t.true(messages.some(({ route }) => route === 'saga'));
  for (const { content } of messages) t.notThrows(() => JSON.parse(content) as unknown);
});
