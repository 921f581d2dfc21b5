import type { Bus } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import type { Clock } from '#shared/clock.ts';
import { limited } from '#shared/database/limited.ts';
import { PublishError, reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';
import { confirmedAt, type RequestStore, type StoredRequest } from './requests.ts';
import { within } from '#shared/within.ts';

export interface SweepOptions {
  readonly bus: Pick<Bus, 'publish'>;
  readonly requests: RequestStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly everyMs: number;
  readonly publishMs: number;
}

const MAX_BACKOFF_MS = 60_000;

/**
 * Sends again, under the same message id, what no one has settled: after an unknown outcome, or left behind by a crash
 * between storing and publishing. Any copy of the gateway may do it; receivers recognise the id.
 */
export async function sweepOnce({ bus, requests, clock, log, publishMs }: SweepOptions): Promise<number> {
  for (let settled = 0; ; settled++) {
    const request = await requests.takeDue(clock.now(), clock.now() + publishMs * 2);
    if (request === undefined) return settled;
    try {
      await within(clock, publishMs, bus.publish(request.exchange, encode(request.message, clock.now())));
    } catch (error) {
      await requests.giveUp(request.id, clock.now() + backoffMs(request));
      log.warn('a request is still not settled', {
        request: request.resourceId,
        tries: request.takenOver,
        reason: reasonOf(error),
      });
      if (error instanceof PublishError && error.code === 'not-connected') return settled;
      continue;
    }
    await requests.confirm(request.id, confirmedAt(request, clock.now()));
    log.info('a request was settled by the sweep', { request: request.resourceId, kind: request.kind });
  }
}

/** Sweeps every `everyMs` until stopped; `stop` resolves when the round that runs has ended. */
export function startRequestSweep(options: SweepOptions): { stop(): Promise<void> } {
  const { clock, log, everyMs } = options;
  const sweeping = { ...options, requests: limited(options.requests, clock) };
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await clock.sleep(everyMs, stopping.signal);
        await sweepOnce(sweeping);
      } catch (error) {
        if (!stopping.signal.aborted) log.warn('the sweep of requests failed', { reason: reasonOf(error) });
      }
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

function backoffMs(request: StoredRequest): number {
  return Math.min(MAX_BACKOFF_MS, 1000 * 2 ** Math.min(request.takenOver, 10));
}
