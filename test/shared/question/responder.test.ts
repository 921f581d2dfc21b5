import test from 'ava';
import { z } from 'zod';
import type { ConsumeOptions, Packet } from '#shared/bus/bus.ts';
import { silentLog } from '#shared/log.ts';
import { answerQuestion, question } from '#shared/question/question.ts';
import { createResponder } from '#shared/question/responder.ts';
import { answersOf, questionsPacket } from '#shared/question/wire.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

const text = question('sums.text', { body: z.object({ key: z.string() }), key: ({ key }) => key, answer: z.string() });

test('answers of many megabytes that are ready in one turn travel in packets that the broker takes', async (t) => {
  const clock = createVirtualClock();
  const sent: Packet[] = [];
  let options: ConsumeOptions | undefined;
  const consumer = { ack: () => {}, close: async () => {} } as never;
  const bus = {
    post: () => ({ send: (_exchange: string, packet: Packet) => void sent.push(packet), close: async () => {} }),
    consume: async (_queue: string, given: ConsumeOptions) => {
      options = given;
      return consumer;
    },
  };
  const handlers = [answerQuestion(text, () => 'x'.repeat(5_000_000))];
  const responder = createResponder({ bus, handlers, clock, log: silentLog, stateOf: async () => undefined });
  await responder.take('sums.questions.0');
  const deadline = clock.now() + 1000;
  const asked = [1, 2, 3, 4].map((id) => JSON.stringify({ id, body: { key: 'k' }, deadline }));
  const packet = questionsPacket({ asker: 'door', type: text.name, key: 'k' }, 'packet', deadline, asked);
  options?.onDelivery({ packet, queue: 'sums.questions.0' } as never, consumer);
  await clock.settle();
  t.true(sent.every(({ content }) => content.length < 16 * 1024 * 1024));
  t.deepEqual(
    sent.flatMap(answersOf).map(({ id }) => id),
    [1, 2, 3, 4],
  );
  await clock.during(responder.close());
});
