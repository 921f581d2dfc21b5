import test from 'ava';
import { Registry } from 'prom-client';
import { answeringMeter, askerMeter } from '#shared/question/metrics.ts';
import { questionGate } from '#shared/bus/topology/topology.ts';
import { memoryWorld } from '#test/support/broker-world.ts';
import { questionWorld, square, squaring } from '#test/support/question-world.ts';

/** Each sample that is not 0, without buckets and sums. */
async function told(registry: Registry): Promise<Readonly<Record<string, number>>> {
  const found: Record<string, number> = {};
  for (const { name, values } of await registry.getMetricsAsJSON())
    for (const { value, labels, metricName = name } of values as readonly {
      readonly value: number;
      readonly labels: object;
      readonly metricName?: string;
    }[])
      if (value !== 0 && !/_(bucket|sum)$/.test(metricName))
        found[[metricName, ...Object.values(labels)].join(' ')] = value;
  return found;
}

test('each question is counted once where it is asked and once where it is answered, by how it ended', async (t) => {
  const broker = await memoryWorld();
  const world = await questionWorld(broker, 500);
  const [asking, answering] = [new Registry(), new Registry()];
  await world.worker('one', squaring('one'), undefined, { onAnswered: answeringMeter(answering) });
  const asker = await world.asker('door', { meter: askerMeter(asking), maxWaiting: 6 });
  const ask = (n: number, type = square, waitMs = 60_000): Promise<unknown> =>
    asker.ask(type, { key: 'k', n }, { waitMs }).catch(() => undefined);
  const strange = ['sums.cube', 'sums.root'].map((name) => ask(2, { ...square, name }));
  await Promise.all([ask(2), ask(3), ask(13), ask(0), ...strange, ask(4)]);
  await world.session.unbind(questionGate('sums'));
  await ask(2);
  t.deepEqual(await told(asking), {
    'switchyard_questions_asked_total sums': 8,
    'switchyard_questions_ended_total sums answered': 2,
    'switchyard_questions_ended_total sums problem': 1,
    'switchyard_questions_ended_total sums broken': 3,
    'switchyard_questions_ended_total sums unheard': 1,
    'switchyard_questions_ended_total sums refused': 1,
    'switchyard_question_duration_seconds_count sums': 3,
  });
  t.deepEqual(await told(answering), {
    'switchyard_questions_answered_total sums.square answered': 2,
    'switchyard_questions_answered_total sums.square problem': 1,
    'switchyard_questions_answered_total sums.square broken': 1,
    // Whatever names somebody sends, they are one label.
    'switchyard_questions_answered_total unknown broken': 2,
  });
  await asker.close();
  await broker.close();
});
