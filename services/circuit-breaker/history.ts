import type { Connection } from 'mongoose';
import type { Decision } from './breaker.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

export const transitionsCollection = 'breaker_transitions';

export interface History {
  /** Returns at once; what cannot be written now is written later, and forgotten when it is too much. */
  record(route: string, decision: Decision): void;
  stop(): void;
}

const MAX_WAITING = 1000;
const RETRY_MS = 5000;
const DUPLICATE_KEY = 11000;

/** Transitions for later questions. The gate never waits for it: it must be able to report that the database is down. */
export function createHistory(db: Connection, clock: Clock, log: Log): History {
  let waiting: { readonly _id: string }[] = [];
  let writing = false;
  let stopped = false;
  let cancel = (): void => {};

  async function write(): Promise<void> {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      try {
        await db.collection<{ readonly _id: string }>(transitionsCollection).insertOne(next);
      } catch (error) {
        if ((error as { readonly code?: unknown }).code !== DUPLICATE_KEY) throw error;
      }
      const written = next;
      waiting = waiting.filter((one) => one !== written);
    }
  }

  function flush(): void {
    if (writing || stopped) return;
    writing = true;
    cancel();
    write()
      .catch((error: unknown) => {
        log.debug('the history waits for the database', { reason: reasonOf(error), transitions: waiting.length });
        if (!stopped) cancel = clock.after(RETRY_MS, flush);
      })
      .finally(() => {
        writing = false;
      });
  }

  return {
    record(route, { state, transition }) {
      if (transition === undefined) return;
      const at = clock.now();
      const entry = {
        _id: `${route}:${at}:${state.generation}`,
        route,
        at,
        generation: state.generation,
        ...transition,
      };
      waiting = [...waiting, entry].slice(-MAX_WAITING);
      flush();
    },
    stop() {
      stopped = true;
      cancel();
    },
  };
}
