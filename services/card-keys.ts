import type { JWK } from 'jose';
import type { Connection } from 'mongoose';
import { prepared } from '#shared/database/database.ts';
import type { Kit } from '#shared/host/kit.ts';

/** The public halves of the keys that cards are sealed for, by service. */
export const cardKeysCollection = 'card_keys';

export interface StoredCardKey {
  /** The service. */
  readonly _id: string;
  readonly key: JWK;
}

/** Tells the doors what to seal cards with for this service. Idempotent: all its workers say the same. */
export async function publishCardKey(db: Connection, service: string, key: JWK): Promise<void> {
  await db
    .collection<StoredCardKey>(cardKeysCollection)
    .updateOne({ _id: service }, { $set: { key } }, { upsert: true, writeConcern: { w: 'majority' } });
}

/** The public key of each of these services; those that never ran have none. */
export async function publishedCardKeys(
  db: Connection,
  services: readonly string[],
): Promise<ReadonlyMap<string, JWK>> {
  const found = await db
    .collection<StoredCardKey>(cardKeysCollection)
    .find({ _id: { $in: [...services] } } as object)
    .toArray();
  return new Map(found.map(({ _id, key }) => [_id, key]));
}

/** The same at the start of its service, as soon as the database is there. */
export function tellCardKey(
  { db, clock, log, onStop }: Pick<Kit<{ readonly MONGO_URL: string }>, 'db' | 'clock' | 'log' | 'onStop'>,
  service: string,
  key: JWK,
): void {
  const stopping = new AbortController();
  const telling = prepared(() => publishCardKey(db, service, key), { clock, log }, stopping.signal).catch(() => {});
  onStop(async () => {
    stopping.abort();
    await telling;
  });
}
