import mongoose from 'mongoose';
import type { Act, Acts } from './acts.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

const YEAR_S = 365 * 24 * 60 * 60;
/** The answer waits for the record so long. */
const WRITE_MS = 2000;

interface StoredAct extends Omit<Act, 'id' | 'at'> {
  readonly _id: string;
  readonly at: Date;
}

export const actsCollection = 'operator_acts';

/** The collection `operator_acts`: a year of them. Each is a line of the log too. */
export function createMongoActs(
  db: mongoose.Connection,
  log: Log,
): Acts & { /** Makes the indexes; idempotent. */ prepare(): Promise<void> } {
  const acts = () => db.collection<StoredAct>(actsCollection);
  return {
    async prepare() {
      await acts().createIndex({ at: 1 }, { expireAfterSeconds: YEAR_S });
    },
    async record(act) {
      log.info('an operator acted', { ...act });
      const { id, at, ...rest } = act;
      try {
        if (db.readyState !== mongoose.ConnectionStates.connected) throw new Error('no connection to the database');
        await acts().insertOne({ _id: id, at: new Date(at), ...rest }, { timeoutMS: WRITE_MS });
      } catch (error) {
        log.warn('an act of an operator stands in the log alone', { act: id, reason: reasonOf(error) });
      }
    },
    async list({ limit, cursor }) {
      const found = await acts()
        .find(cursor === undefined ? {} : { _id: { $lt: cursor } })
        .sort({ _id: -1 })
        .limit(limit + 1)
        .toArray();
      const items = found.slice(0, limit).map(({ _id: id, at, ...rest }) => ({ id, ...rest, at: at.toISOString() }));
      const last = items.at(-1);
      return found.length > limit && last ? { items, nextCursor: last.id } : { items };
    },
  };
}
