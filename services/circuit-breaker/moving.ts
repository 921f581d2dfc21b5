import type { Placing } from './placing.ts';
import { backoffMs } from '#shared/backoff.ts';
import type { Bus, Delivery, Session } from '#shared/bus/bus.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
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
  for (let tries = 1; !ended.aborted; tries += 1) {
    try {
      await bus.publish(exchange, packet);
      break;
    } catch (error) {
      if (tries === 1) log.warn('a message cannot be moved yet', { route, exchange, reason: reasonOf(error) });
      await clock.sleep(backoffMs(RETRY, tries, clock.random), ended).catch(() => {});
    }
  }
  if (ended.aborted) return false;
  if (deadBecause !== undefined) log.error('dead letter', { route, messageId: packet.messageId, reason: deadBecause });
  session.ack(delivery);
  return true;
}
