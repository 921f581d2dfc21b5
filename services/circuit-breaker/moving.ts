import type { Placing } from './placing.ts';
import type { Bus, Delivery, Session } from '#shared/bus/bus.ts';
import type { Clock } from '#shared/clock.ts';
import { insist } from '#shared/insist.ts';
import type { Log } from '#shared/log.ts';

export interface MovingOptions {
  readonly route: string;
  readonly session: Session;
  readonly bus: Pick<Bus, 'publish'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the term ends: what was not moved by then comes to the next leader. */
  readonly ended: AbortSignal;
}

const RETRY = { baseMs: 100, capMs: 3000 };

/**
 * Moves one delivery to another exchange: published and confirmed, tried again until it is, and only then acknowledged.
 * It may be doubled, never lost. False: the term ended first.
 */
export async function move(
  { route, session, bus, clock, log, ended }: MovingOptions,
  delivery: Delivery,
  { exchange, packet, deadBecause }: Placing,
): Promise<boolean> {
  const how = { warning: 'a message cannot be moved yet', fields: { route, exchange }, warnAt: 1, backoff: RETRY };
  await insist({ clock, log }, { ...how, isWanted: () => !ended.aborted, signal: ended }, async () => {
    await bus.publish(exchange, packet);
  });
  if (ended.aborted) return false;
  if (deadBecause !== undefined) log.error('dead letter', { route, messageId: packet.messageId, reason: deadBecause });
  session.ack(delivery);
  return true;
}
