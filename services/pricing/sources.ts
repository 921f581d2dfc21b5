import type { Connection } from 'mongoose';
import { majorityCollection } from '#shared/database/majority.ts';
import { putRecent } from '#shared/recent.ts';

/** The texts of strategies by version, for ever: orders name the versions that they were priced by. */
export const sourcesCollection = 'pricing_sources';

interface StoredSource {
  /** The version. */
  readonly _id: string;
  readonly source: string;
}

/** The texts of strategies, each under the hash of what it says: one that is there never changes. */
export interface Sources {
  /** Resolves when a majority has it. */
  keep(version: string, source: string): Promise<void>;
  /** Those of these that there are, by version. */
  read(versions: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** One of those that are asked for again and again: the last ones are kept in memory, because they never change. */
  readOne(version: string): Promise<string | undefined>;
}

/** So many texts stay in memory: 16 MB at most. */
const TEXTS_KEPT = 256;

export function createSources(db: Connection): Sources {
  const sources = () => majorityCollection<StoredSource>(db, sourcesCollection);
  const kept = new Map<string, string>();
  return {
    async readOne(version) {
      const known = kept.get(version) ?? (await sources().findOne({ _id: version }))?.source;
      if (known === undefined) return undefined;
      putRecent(kept, version, known, TEXTS_KEPT);
      return known;
    },
    async keep(version, source) {
      await sources().updateOne({ _id: version }, { $setOnInsert: { source } }, { upsert: true });
    },
    async read(versions) {
      if (versions.length === 0) return new Map();
      const found = await sources()
        .find({ _id: { $in: [...new Set(versions)] } } as object)
        .toArray();
      return new Map(found.map(({ _id, source }) => [_id, source]));
    },
  };
}
