/** The order queue of a world in memory, as those who lead read it. */
import { inRow } from '#services/executor/access.ts';
import { QUEUE } from '#services/executor/contract.ts';
import type { QueueItem } from '#services/executor/raft/log.ts';
import type { QueueRecord } from '#services/executor/state.ts';
import type { MemoryStore } from '#shared/entity/stores/memory-store.ts';

/** What stands behind this entry, in order, without a gap. */
export function queuedBehind(
  { documents, journal }: Pick<MemoryStore<unknown>, 'documents' | 'journal'>,
  entry: number,
): readonly QueueItem[] {
  const riding = documents.get(QUEUE)?.journal ?? [];
  const records = [...journal.values(), ...riding] as readonly unknown[] as readonly QueueRecord[];
  return inRow(
    records.filter(({ kind }) => kind === 'queued'),
    entry,
  );
}
