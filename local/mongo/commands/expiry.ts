import type { Collection } from '#local/mongo/storage/collection.ts';
import type { Server } from './command.ts';
import { compileFilter } from '#local/mongo/query/filter.ts';
import { idKeyIn } from '#local/mongo/storage/key.ts';
import { encode } from '#local/mongo/protocol/raw.ts';
import { select } from '#local/mongo/query/select.ts';

const perRun = 10_000;

/** Deletes the documents whose date under a TTL index is older than its `expireAfterSeconds`; says how many. */
export function expireDocuments(server: Server): number {
  let deleted = 0;
  for (const collection of server.catalog.all()) {
    for (const { spec } of collection.indexes) {
      if (spec.expireAfterSeconds === undefined) continue;
      const before = new Date(server.clock.now() - spec.expireAfterSeconds * 1000);
      deleted += deleteUntil(collection, spec.key[0]![0], before);
    }
  }
  return deleted;
}

function deleteUntil(collection: Collection, path: string, before: Date): number {
  const filter = compileFilter(encode({ [path]: { $lte: before } }));
  const expired = [...select(collection, filter, { limit: perRun }).documents];
  for (const raw of expired) collection.remove(collection.entry(idKeyIn(raw)));
  return expired.length;
}
