import type { SimulatedTown } from './town.ts';
import { send } from '#services/notify/contract.ts';
import { mailEffect } from '#services/notify/notification.ts';
import { tellCustomer } from '#services/saga/place-order.ts';
import { deadLetterNoteIn } from '#shared/bus/dead-letter.ts';
import { dead } from '#shared/bus/topology/topology.ts';

/**
 * Orders whose customer nobody could tell how they ended. A mail has so many tries; now and then each of them meets a mail server that
 * fails or hangs before anything is healed (seed 51 did once). No mail is lost by that: it is a dead letter after its last try, and
 * the saga says that it was not sent in time. Anything less is a mail that is missing.
 */
export function untoldOrders({ broker, sagas, settings }: SimulatedTown): ReadonlySet<string> {
  const { attempts } = mailEffect(settings.times.sagaMs).retry;
  const givenUp = broker
    .queue(dead('notify'))
    .ready.filter(({ type, headers }) => type === send.name && deadLetterNoteIn(headers).attempts === attempts)
    .map(({ headers }) => String(headers['key']));
  return new Set(
    givenUp.filter((orderId) => {
      const saga = sagas.documents.get(orderId)?.state;
      return (
        saga?.phase === 'ended' && saga.steps.some(({ name, end }) => name === tellCustomer.name && end === 'timed-out')
      );
    }),
  );
}
