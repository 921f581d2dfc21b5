import type { Connection } from 'mongoose';
import type { Decision, GateTransition } from './breaker.ts';
import type { Clock } from '#shared/clock.ts';
import { isDuplicateKey } from '#shared/database/duplicate-key.ts';
import { limited } from '#shared/database/limited.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

export const transitionsCollection = 'breaker_transitions';

export interface StoredTransition extends GateTransition {
  /** The same for the same transition, whichever process writes it and how often. */
  readonly _id: string;
  readonly route: string;
  readonly generation: number;
  readonly at: Date;
}

export interface History {
  /** Returns at once; what cannot be written now is written later, and forgotten when it is too much. `at`: epoch ms. */
  record(route: string, decision: Decision, at: number): void;
  stop(): void;
}

const MAX_WAITING = 1000;
const RETRY_MS = 5000;
const KEPT_S = 90 * 24 * 3600;

/** Transitions for later questions. The gate never waits for it: it must be able to report that the database is down. */
export function createHistory(db: Connection, clock: Clock, log: Log): History {
  const collection = () => db.collection<StoredTransition>(transitionsCollection);
  let waiting: StoredTransition[] = [];
  let prepared = false;
  let writing = false;
  let stopped = false;
  let cancel = (): void => {};

  const stored = limited(
    {
      async prepare() {
        await collection().createIndex({ at: 1 }, { expireAfterSeconds: KEPT_S });
        await collection().createIndex({ route: 1, at: -1, generation: -1 });
      },
      insert: (one: StoredTransition) => collection().insertOne(one),
    },
    clock,
  );

  async function write(): Promise<void> {
    if (!prepared) await stored.prepare();
    prepared = true;
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      try {
        await stored.insert(next);
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
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
    record(route, { state: { generation }, transition }, at) {
      if (transition === undefined) return;
      const entry = { _id: `${route}:${at}:${generation}`, route, generation, at: new Date(at), ...transition };
      waiting = [...waiting, entry].slice(-MAX_WAITING);
      flush();
    },
    stop() {
      stopped = true;
      cancel();
    },
  };
}
