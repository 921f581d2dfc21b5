import type { Run } from '#test/shared/bus/conformance-run.ts';
import { askedTable, questionWorld, square, squaring } from '#test/support/question-world.ts';
import { untilTrue } from '#test/support/until.ts';
import type { Delivery } from '#shared/bus/bus.ts';
import { hash, partitionQueues, questionQueueOf } from '#shared/bus/topology/topology.ts';
import { QuestionError } from '#shared/question/question.ts';

const WAIT = { waitMs: 60_000 };
const keys = (count: number): string[] => Array.from({ length: count }, (_, index) => `key-${index}`);

/** Who answers, while workers come, go and die. */
export function owners(run: Run): void {
  run('the questions about a key come by the partition of its commands', async (t, broker) => {
    const world = await questionWorld(broker);
    const bus = await broker.connect('sums');
    const partitionOf = new Map<string, string>();
    const take = ({ packet, queue }: Delivery): void => void partitionOf.set(String(packet.headers['key']), queue);
    for (const queue of partitionQueues(askedTable, 'sums'))
      await bus.consume(queue, { prefetch: 1000, onDelivery: take, onChannelLost() {} });
    for (const queue of world.queues) await world.worker(queue, squaring(queue), [queue]);
    const asker = await world.asker('door');
    const all = keys(60);
    await Promise.all(all.map((key) => bus.publish(hash('sums'), { content: Buffer.from('{}'), headers: { key } })));
    await untilTrue(() => partitionOf.size === all.length);
    const answers = await Promise.all(all.map((key) => asker.ask(square, { key, n: 2 }, WAIT)));
    t.deepEqual(
      answers.map(({ by }) => by),
      all.map((key) => questionQueueOf(partitionOf.get(key)!)),
    );
    t.is(new Set(partitionOf.values()).size, 4);
    await asker.close();
  });

  run('what a dying worker had in hand is answered by the next one, once', async (t, broker) => {
    const world = await questionWorld(broker);
    const never = new Promise<void>(() => {});
    let begun = 0;
    await world.worker(
      'first',
      squaring('first', () => ((begun += 1), never)),
    );
    await world.worker('second', squaring('second'));
    const asker = await world.asker('door');
    let answers = 0;
    const asked = keys(20).map(async (key) => {
      const { by } = await asker.ask(square, { key, n: 2 }, WAIT);
      answers += 1;
      return by;
    });
    await untilTrue(() => begun === 20);
    broker.cut('first', { stayDown: true });
    t.deepEqual(new Set(await Promise.all(asked)), new Set(['second']));
    t.is(answers, 20);
    await world.empty();
    await asker.close();
  });

  run('a worker that leaves finishes what it has in hand; the next one answers the rest', async (t, broker) => {
    const world = await questionWorld(broker);
    const going = Promise.withResolvers<void>();
    let begun = 0;
    const first = await world.worker(
      'first',
      squaring('first', () => ((begun += 1), going.promise)),
    );
    await world.worker('second', squaring('second'));
    const asker = await world.asker('door');
    const early = keys(8).map((key) => asker.ask(square, { key, n: 2 }, WAIT));
    await untilTrue(() => begun === 8);
    const leaving = Promise.all(world.queues.map((queue) => first.release(queue, 60_000)));
    const late = keys(8).map((key) => asker.ask(square, { key, n: 3 }, WAIT));
    going.resolve();
    await leaving;
    t.deepEqual(new Set((await Promise.all(early)).map(({ by }) => by)), new Set(['first']));
    t.deepEqual(new Set((await Promise.all(late)).map(({ by }) => by)), new Set(['second']));
    await world.empty();
    await asker.close();
  });

  run('questions whose asker lost its connection are answered over the next one', async (t, broker) => {
    const world = await questionWorld(broker);
    const going = Promise.withResolvers<void>();
    let begun = 0;
    await world.worker(
      'one',
      squaring('one', () => ((begun += 1), going.promise)),
    );
    const asker = await world.asker('door');
    const asked = keys(5).map((key) => asker.ask(square, { key, n: 2 }, { waitMs: 12_000 }));
    await untilTrue(() => begun === 5);
    broker.cut('door');
    going.resolve();
    t.is((await Promise.all(asked)).length, 5);
    t.is(asker.waiting, 0);
    await asker.close();
  });

  run('an asker that ends tells those that wait, and nothing of it stays', async (t, broker) => {
    const world = await questionWorld(broker, 1000);
    const asker = await world.asker('door');
    const asked = asker.ask(square, { key: 'a', n: 2 }, WAIT);
    const error = t.throwsAsync(asked, { instanceOf: QuestionError });
    await asker.close();
    t.is((await error)?.code, 'unheard');
    t.is(
      (await t.throwsAsync(asker.ask(square, { key: 'a', n: 2 }, WAIT), { instanceOf: QuestionError }))?.code,
      'unheard',
    );
    await world.empty();
  });
}
