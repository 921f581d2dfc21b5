import test from 'ava';
import type { Packet } from '#shared/bus/bus.ts';
import { silentLog } from '#shared/log.ts';
import { createAsker } from '#shared/question/asker.ts';
import { questionsOf } from '#shared/question/wire.ts';
import { square } from '#test/support/question-world.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';

test('what is asked again and again before answers can be heard is sent once', async (t) => {
  const clock = createVirtualClock();
  const hearing = Promise.withResolvers<{ close(): Promise<void> }>();
  const packets: Packet[] = [];
  const post = { send: (_exchange: string, packet: Packet) => void packets.push(packet), close: async () => {} };
  const bus = { post: () => post, subscribe: () => hearing.promise };
  const asker = createAsker({ bus, clock, log: silentLog });
  const late = asker.ask(square, { key: 'k', n: 2 }, { waitMs: 60_000 });
  await clock.advance(50_000);
  hearing.resolve({ close: async () => {} });
  await clock.settle();
  t.deepEqual(
    packets.map((packet) => questionsOf(packet)?.questions.map(({ id }) => id)),
    [[1]],
  );
  await Promise.all([t.throwsAsync(late, { message: /unheard/ }), clock.during(asker.close())]);
});
