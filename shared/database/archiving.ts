import type { Connection } from 'mongoose';
import { archiveOf, DAY_MS, idAt, isArchivable, type AnyArchiveRule, type Archivable } from './archive.ts';
import type { Clock } from '#shared/clock.ts';
import { isDuplicateKey } from './duplicate-key.ts';
import { writeErrorsIn } from '#shared/entity/stores/mongo-documents.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';
import { majorityCollection } from './majority.ts';

export interface ArchiveOptions {
  readonly collection: string;
  readonly rule: AnyArchiveRule;
  /** Epoch ms: what began and ended before goes. */
  readonly before: number;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly signal?: AbortSignal;
  /** Only counts. */
  readonly dryRun?: boolean;
  readonly batch?: number;
  /** The rest after each batch, ms, in which others use the database. */
  readonly pauseMs?: number;
  /** After the copies of a batch are safe and before it is deleted; for tests. */
  readonly onCopied?: () => Promise<void>;
}

/**
 * Moves what ended long ago into the archive of its collection and says how many documents. May be ended anywhere, run again and
 * run by several at once: a document is deleted where it was only after a majority has it in the archive, and only in the version that was copied.
 */
export async function archive(db: Connection, options: ArchiveOptions): Promise<number> {
  const { collection, rule, before, clock, signal, dryRun = false, batch = 100, pauseMs = 50 } = options;
  const { prefix = '' } = rule;
  const live = majorityCollection<Archivable>(db, collection);
  const end = `${prefix}${idAt(before)}`;
  let moved = 0;
  for (let after = prefix; signal?.aborted !== true;) {
    // By `_id` alone, which tells the time: no other index is needed, and what is younger is not looked at.
    const found = await live
      .find({ _id: { $gt: after, $lt: end } })
      .sort({ _id: 1 })
      .limit(batch)
      .toArray();
    const ended = found.filter((stored) => isArchivable(stored, rule, before));
    moved += dryRun ? ended.length : await move(db, options, ended);
    if (found.length < batch) break;
    after = found.at(-1)!._id;
    await clock.sleep(pauseMs, signal).catch(() => {});
  }
  return moved;
}

async function move(
  db: Connection,
  { collection, onCopied }: ArchiveOptions,
  documents: readonly Archivable[],
): Promise<number> {
  if (documents.length === 0) return 0;
  const newer = await copy(db, collection, documents);
  await onCopied?.();
  const deletions = documents
    .filter(({ _id }) => !newer.has(_id))
    .map(({ _id, version }) => ({ deleteOne: { filter: { _id, version } } }));
  if (deletions.length === 0) return 0;
  const { deletedCount } = await majorityCollection<Archivable>(db, collection).bulkWrite(deletions, {
    ordered: false,
  });
  return deletedCount;
}

/** Returns the keys of which the archive has a newer version: what was read here is not the latest. */
async function copy(db: Connection, collection: string, documents: readonly Archivable[]): Promise<Set<string>> {
  const copies = documents.map((document) => ({
    replaceOne: {
      filter: { _id: document._id, version: { $lte: document.version } },
      replacement: document,
      upsert: true,
    },
  }));
  try {
    await majorityCollection<Archivable>(db, archiveOf(collection)).bulkWrite(copies, { ordered: false });
    return new Set();
  } catch (thrown) {
    const errors = writeErrorsIn(thrown);
    if (errors.length === 0 || !errors.every(isDuplicateKey)) throw thrown;
    return new Set(errors.map(({ index }) => documents[index]!._id));
  }
}

const EVERY_MS = 3_600_000;

export interface ArchivingOptions extends Pick<ArchiveOptions, 'collection' | 'rule'> {
  /** 0: never. */
  readonly afterDays: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly onMoved: (count: number) => void;
}

/** Archives about once an hour, at no fixed minute, until it is stopped. */
export function startArchiving(db: Connection, options: ArchivingOptions): { stop(): Promise<void> } {
  const { collection, rule, afterDays, clock, log, onMoved } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const running = afterDays === 0 ? Promise.resolve() : run();

  async function run(): Promise<void> {
    for (;;) {
      await clock.sleep(EVERY_MS * (0.5 + clock.random()), signal).catch(() => {});
      if (signal.aborted) return;
      const before = clock.now() - afterDays * DAY_MS;
      try {
        const count = await archive(db, { collection, rule, before, clock, signal });
        onMoved(count);
        if (count > 0) log.info('archived', { collection, count, olderThanDays: afterDays });
      } catch (error) {
        log.warn('archiving is tried again later', { collection, reason: reasonOf(error) });
      }
    }
  }

  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
