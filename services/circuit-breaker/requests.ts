import { z } from 'zod';
import { BREAKER_REPLY, type BreakerReply, type BreakerRequest, breakerRequestSchema } from './contract.ts';
import { parkedPage } from './parked-page.ts';
import type { ReadPartitions } from './partitions.ts';
import type { ActingTerm } from './term.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { CONTROL } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

const identified = z.object({ id: z.string().min(1) });

export interface Answering {
  readonly clock: Clock;
  readonly log: Log;
  /** Absent without an address of the management API. */
  readonly readPartitions?: ReadPartitions | undefined;
}

/** Answers a request, when it can be answered: what has no id, or is no JSON, is only logged. */
export async function answer(term: ActingTerm, packet: Packet, answering: Answering): Promise<void> {
  const { log } = answering;
  let id: string;
  let reply: BreakerReply;
  try {
    const body: unknown = JSON.parse(packet.content.toString());
    ({ id } = identified.parse(body));
    reply = await replyTo(term, id, body, answering);
  } catch (error) {
    log.warn('a request to the breaker was not understood', { reason: reasonOf(error) });
    return;
  }
  const content = Buffer.from(JSON.stringify(reply));
  await term.session
    .publish(CONTROL, { content, contentType: 'application/json', headers: {} }, BREAKER_REPLY)
    .catch((error: unknown) => log.debug('nobody heard the answer', { id, reason: reasonOf(error) }));
}

async function replyTo(term: ActingTerm, id: string, body: unknown, answering: Answering): Promise<BreakerReply> {
  const parsed = breakerRequestSchema.safeParse(body);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    return { id, ok: false, problem: problems.join('; ') };
  }
  try {
    return await carryOut(term, parsed.data, answering);
  } catch (error) {
    return { id, ok: false, problem: reasonOf(error) };
  }
}

async function carryOut(
  term: ActingTerm,
  request: BreakerRequest,
  { clock, readPartitions }: Answering,
): Promise<BreakerReply> {
  const { id, route: name } = request;
  const route = name === undefined ? undefined : term.routes.get(name);
  if (name !== undefined && route === undefined) {
    return { id, ok: false, problem: `there is no route ${name}; there are: ${[...term.routes.keys()].join(', ')}` };
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
      return { id, ok: true, parked: [...items], ...(nextCursor === undefined ? {} : { nextCursor }) };
    }
    case 'partitions': {
      if (readPartitions === undefined)
        return { id, ok: false, problem: 'the circuit breaker has no address of the management API' };
      const partitions = await readPartitions(name === undefined ? [...term.routes.keys()] : [name]);
      return { id, ok: true, partitions: [...partitions] };
    }
  }
  return { id, ok: true, ...(route === undefined ? {} : { breaker: route.view() }) };
}
