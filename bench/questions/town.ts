/** A route that is asked what five times its number is: its topology, its worker, its asker. */
import { z } from 'zod';
import { connected } from '#bench/gate/rate.ts';
import { TTL_MS, type World } from '#bench/world.ts';
import { provision } from '#shared/bus/topology/provision.ts';
import { questionQueues, topologyOf, type RouteTable } from '#shared/bus/topology/topology.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { silentLog as log } from '#shared/log.ts';
import { createAsker, type Asker } from '#shared/question/asker.ts';
import { answerQuestion, question } from '#shared/question/question.ts';
import { createResponder } from '#shared/question/responder.ts';

export const price = question('pricing.price', {
  body: z.object({ sku: z.string().max(100), quantity: z.int().min(0) }),
  key: (body) => body.sku,
  answer: z.object({ amount: z.int(), version: z.string().max(100) }),
});

const table: RouteTable = {
  partitions: 8,
  routes: ['pricing'],
  services: { pricing: { route: 'pricing', answersQuestions: true }, door: { questions: ['pricing'] } },
};

/** A provisioned vhost: an administrator's URL. */
export async function questionVhost(world: World, vhost: string): Promise<string> {
  const { amqpUrl, managementUrl } = await world.broker();
  const topology = topologyOf(table, { ttlMs: TTL_MS, delayMs: 2000 }, vhost);
  await provision({ amqpUrl, managementUrl, vhost, topology, passwords: { pricing: 'a', door: 'b' }, log });
  return `${amqpUrl}/${vhost}`;
}

/** Answers on all partitions; what comes back ends it. */
export async function answering(amqpUrl: string): Promise<() => Promise<void>> {
  const bus = await connected(amqpUrl, 'pricing');
  const handlers = [answerQuestion(price, ({ quantity }) => ({ amount: 5 * quantity, version: 'v1' }))];
  const responder = createResponder({ handlers, bus, clock, log, stateOf: async () => undefined });
  for (const queue of questionQueues(table, 'pricing')) await responder.take(queue);
  return async () => {
    await responder.close();
    await bus.close();
  };
}

export async function asking(amqpUrl: string): Promise<{ readonly asker: Asker; close(): Promise<void> }> {
  const bus = await connected(amqpUrl, 'door');
  const asker = createAsker({ bus, clock, log });
  return {
    asker,
    async close() {
      await asker.close();
      await bus.close();
    },
  };
}
