import {
  DEAD_LETTERS_REPLY,
  DEAD_LETTERS_REQUEST,
  DEFAULT_RATE_PER_S,
  type DeadLettersReply,
  type DeadLettersRequest,
  deadLettersRequestSchema,
  type Selection,
} from './contract.ts';
import type { LetterStore } from './store.ts';
import type { Bus, Packet } from '#shared/bus/bus.ts';
import { CONTROL } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { controlPacket, controlReply } from '#shared/control/answer.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

export interface AnsweringOptions {
  readonly bus: Pick<Bus, 'publish' | 'subscribe'>;
  readonly store: Pick<LetterStore, 'mark' | 'discard' | 'discardMany'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly onMarked: () => void;
  /** Notes which of the chosen letters are of orders that have ended. */
  readonly noteEnded: (select: Selection) => Promise<unknown>;
}

/** Carries out what gateways ask for. Every copy does, and each answers: marking the same letters twice marks them once. */
export async function answerRequests(options: AnsweringOptions): Promise<{ close(): Promise<void> }> {
  const { bus, log } = options;
  return bus.subscribe(CONTROL, [DEAD_LETTERS_REQUEST], (packet) => {
    // Everything that can go wrong is answered or logged within.
    void answer(packet, options).catch((error: unknown) =>
      log.warn('a request was not answered', { reason: reasonOf(error) }),
    );
  });
}

async function answer(packet: Packet, options: AnsweringOptions): Promise<void> {
  const reply: DeadLettersReply = await controlReply(packet, deadLettersRequestSchema, async (request) => ({
    selected: await carryOut(request, options),
  }));
  await options.bus.publish(CONTROL, controlPacket(reply), DEAD_LETTERS_REPLY);
}

async function carryOut(
  request: DeadLettersRequest,
  { store, clock, log, onMarked, noteEnded }: AnsweringOptions,
): Promise<number> {
  const at = new Date(clock.now());
  const { id, by } = request;
  if (request.kind === 'discard') {
    const { letter, reason } = request;
    const discarded = await store.discard({ id, letter, by, reason, at });
    if (discarded > 0) log.info('dead letter discarded', { letter, by, reason });
    return discarded;
  }
  const { select } = request;
  if (Object.keys(select).length === 0) throw new Error('nothing is selected: say ids, route, type or cause');
  if (request.kind === 'discard-many') {
    const { reason } = request;
    const discarded = await store.discardMany({ id, by, reason, at, select });
    log.info('dead letters discarded', { request: id, by, reason, discarded });
    return discarded;
  }
  const { ratePerS = DEFAULT_RATE_PER_S } = request;
  await noteEnded(select);
  const selected = await store.mark({ id, by, at, select, ratePerS });
  log.info('dead letters are to be replayed', { request: id, by, selected, ratePerS });
  onMarked();
  return selected;
}
