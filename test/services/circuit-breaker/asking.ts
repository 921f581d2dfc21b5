import type { World } from './world.ts';
import {
  BREAKER_REPLY,
  BREAKER_REQUEST,
  type BreakerReply,
  breakerReplySchema,
} from '#services/circuit-breaker/contract.ts';
import { CONTROL } from '#shared/bus/topology/topology.ts';

/** Asks the acting breaker as a gateway does. Fails when no answer comes. */
export async function ask(world: World, request: object, limitMs = 20_000): Promise<BreakerReply> {
  const gateway = await world.during(world.connect('gateway'));
  const replies: BreakerReply[] = [];
  const subscription = await world.during(
    gateway.subscribe(CONTROL, [BREAKER_REPLY], ({ content }) => {
      replies.push(breakerReplySchema.parse(JSON.parse(content.toString())));
    }),
  );
  const content = Buffer.from(JSON.stringify(request));
  await world.during(gateway.publish(CONTROL, { content, headers: {} }, BREAKER_REQUEST));
  const { id } = request as { readonly id: string };
  await world.until(() => replies.some((reply) => reply.id === id), limitMs);
  await world.during(subscription.close());
  return replies.find((reply) => reply.id === id) as BreakerReply;
}
