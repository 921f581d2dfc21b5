import { BREAKER_REPLY, type BreakerReply, type BreakerRequest, breakerRequestSchema } from './contract.ts';
import { parkedPage } from './parked-page.ts';
import type { ReadPartitions } from './partition-facts.ts';
import type { ActingTerm } from './term.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { CONTROL } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { controlPacket, controlReply } from '#shared/control/answer.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

export interface Answering {
  readonly clock: Clock;
  readonly log: Log;
  /** Absent without an address of the management API. */
  readonly readPartitions?: ReadPartitions | undefined;
}

/** Answers a request, when it can be answered: what has no id, or is no JSON, is only logged. */
export async function answer(term: ActingTerm, packet: Packet, answering: Answering): Promise<void> {
  const { log } = answering;
  let reply: BreakerReply;
  try {
    reply = await controlReply(packet, breakerRequestSchema, (request) => carryOut(term, request, answering));
  } catch (error) {
    log.warn('a request to the breaker was not understood', { reason: reasonOf(error) });
    return;
  }
  await term.session
    .publish(CONTROL, controlPacket(reply), BREAKER_REPLY)
    .catch((error: unknown) => log.debug('nobody heard the answer', { id: reply.id, reason: reasonOf(error) }));
}

async function carryOut(
  term: ActingTerm,
  request: BreakerRequest,
  { clock, readPartitions }: Answering,
): Promise<Omit<Extract<BreakerReply, { readonly ok: true }>, 'id' | 'ok'>> {
  const { route: name } = request;
  const route = name === undefined ? undefined : term.routes.get(name);
  if (name !== undefined && route === undefined) {
    throw new Error(`there is no route ${name}; there are: ${[...term.routes.keys()].join(', ')}`);
  }
  switch (request.kind) {
    case 'override': {
      const { state, expiresInMs, by, reason } = request;
      const told = { ...(by !== undefined && { by }), ...(reason !== undefined && { reason }) };
      await route?.breaker.override({ state, until: clock.now() + expiresInMs, ...told });
      break;
    }
    case 'clear-override':
      await route?.breaker.clearOverride();
      break;
    case 'parked': {
      const asked = name === undefined ? [...term.routes.keys()] : [name];
      const all = await Promise.all(asked.map((one) => term.parkedList.read(one)));
      const { items, nextCursor } = parkedPage(all.flat(), request.limit, request.cursor);
      return { parked: [...items], ...(nextCursor === undefined ? {} : { nextCursor }) };
    }
    case 'partitions': {
      if (readPartitions === undefined) throw new Error('the circuit breaker has no address of the management API');
      const partitions = await readPartitions(name === undefined ? [...term.routes.keys()] : [name]);
      return { partitions: [...partitions] };
    }
  }
  return route === undefined ? {} : { breaker: route.view() };
}
