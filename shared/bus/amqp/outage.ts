import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

/**
 * Tells of the broker's absence in one line when it begins and one when it ends, however many connections a service has and
 * however often they are tried. What a broker refuses by its rights is told at once, because waiting does not mend it.
 */
export interface Outage {
  /** This connection was lost, or could not be made. */
  away(connection: string, error: unknown): void;
  up(connection: string): void;
  /** Nobody waits for the broker any more. */
  close(): void;
}

/** A connection that is back sooner is one line. It also leaves time for who supervises the broker to speak first. */
const GRACE_MS = 400;
/** AMQP's replies 403 ACCESS_REFUSED and 530 NOT_ALLOWED: a wrong password, a virtual host that is not there. */
const REFUSED = /ACCESS[-_]REFUSED|NOT[-_]ALLOWED/;

/** `connections`: all those that a service needs. */
export function createOutage(
  connections: readonly string[],
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Outage {
  const missing = new Set(connections);
  let wasThere = false;
  let since: number | undefined;
  let told = false;
  let refused = false;
  let closed = false;
  let cancel = (): void => {};

  function begin(reason: string): void {
    since = clock.now();
    told = false;
    refused = false;
    const text = wasThere ? 'lost the broker; still trying to reach it' : 'the broker is not there yet; still trying';
    cancel = clock.after(GRACE_MS, () => {
      told = true;
      if (!refused) log.warn(text, { reason });
    });
  }

  function end(): void {
    cancel();
    if (since === undefined && wasThere) return;
    const awayMs = since === undefined ? 0 : clock.now() - since;
    if (!wasThere) log.info('connected to the broker', awayMs === 0 ? {} : { waitedMs: awayMs });
    else log.info(told || refused ? 'reached the broker again' : 'lost the broker for a moment', { awayMs });
    wasThere = true;
    since = undefined;
  }

  return {
    away(connection, error) {
      if (closed) return;
      missing.add(connection);
      const reason = reasonOf(error);
      if (since === undefined) begin(reason);
      log.debug('no connection to the broker', { connection, reason });
      if (refused || !REFUSED.test(reason)) return;
      refused = true;
      log.error('the broker refuses this service; still trying', { reason });
    },
    up(connection) {
      log.debug('a connection to the broker', { connection });
      missing.delete(connection);
      if (missing.size === 0) end();
    },
    close() {
      closed = true;
      cancel();
    },
  };
}
