/** A route that is asked what five times its number is: its topology, its worker, its asker. */
import { z } from 'zod';
import { answering, type Stop } from './ends.ts';
import { TTL_MS, type World } from '#bench/world.ts';
import { provision } from '#shared/bus/topology/provision.ts';
import { topologyOf, type RouteTable } from '#shared/bus/topology/topology.ts';
import { silentLog as log } from '#shared/log.ts';
import { answerQuestion, question } from '#shared/question/question.ts';

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
export function answeringPrices(amqpUrl: string): Promise<Stop> {
  const handlers = [answerQuestion(price, ({ quantity }) => ({ amount: 5 * quantity, version: 'v1' }))];
  return answering(amqpUrl, table, 'pricing', handlers);
}
