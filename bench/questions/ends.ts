/** The two ends of questions over the broker, without a service around them: whoever asks, and whoever answers. */
import { connected } from '#bench/gate/rate.ts';
import { questionQueues, type RouteTable } from '#shared/bus/topology/topology.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { silentLog as log } from '#shared/log.ts';
import { type Asker, createAsker } from '#shared/question/asker.ts';
import type { QuestionHandler } from '#shared/question/question.ts';
import { createResponder } from '#shared/question/responder.ts';

export type Stop = () => Promise<void>;

/** Answers a route's questions on all its partitions; what comes back ends it. */
export async function answering(
  amqpUrl: string,
  table: RouteTable,
  route: string,
  handlers: readonly QuestionHandler[],
): Promise<Stop> {
  const bus = await connected(amqpUrl, route);
  const responder = createResponder({ handlers, bus, clock, log, stateOf: async () => undefined });
  for (const queue of questionQueues(table, route)) await responder.take(queue);
  return async () => {
    await responder.close();
    await bus.close();
  };
}

export async function asking(amqpUrl: string, name: string): Promise<{ readonly asker: Asker; readonly close: Stop }> {
  const bus = await connected(amqpUrl, name);
  const asker = createAsker({ bus, clock, log });
  return {
    asker,
    async close() {
      await asker.close();
      await bus.close();
    },
  };
}
