import type { mongo } from 'mongoose';
import type { StoredDocument } from './mongo-documents.ts';
import { fairShare, type DueKey } from '#shared/entity/store.ts';

type Documents = mongo.Collection<StoredDocument<unknown>>;
type Partition = string | null;

const BY_PARTITION = { partition: 1, dueAt: 1 } as const;

/** The first finds what is due, at once nothing if nothing is; the second finds it by partition. */
export const dueIndexes = [
  [{ dueAt: 1 }, { sparse: true }],
  [BY_PARTITION, { partialFilterExpression: { dueAt: { $exists: true } } }],
] as const;

/** One query unless more is due than `limit`; then three for each partition that has keys with a due time. */
export async function dueIn(documents: Documents, now: number, limit: number): Promise<readonly DueKey[]> {
  const earliest = await find(documents, { dueAt: { $lte: now } }, limit);
  if (earliest.length < limit) return earliest;
  const partitions = await partitionsOf(documents);
  const of = (partition: Partition, most: number) =>
    find(documents, { partition, dueAt: { $lte: now } }, most, BY_PARTITION);
  const share = Math.ceil(limit / partitions.length);
  const first = await Promise.all(partitions.map((partition) => of(partition, share)));
  const open = first.filter(({ length }) => length === share).length;
  const left = limit - first.reduce((sum, { length }) => sum + length, 0);
  if (open === 0 || left <= 0) return fairShare(first, limit);
  const more = share + Math.ceil(left / open);
  const groups = first.map(async (group, at) => (group.length === share ? of(partitions[at]!, more) : group));
  return fairShare(await Promise.all(groups), limit);
}

/** The partitions that have a key with a due time, each found by one step through the index. */
async function partitionsOf(documents: Documents): Promise<readonly Partition[]> {
  const found: Partition[] = [null];
  for (let after = ''; ;) {
    const next = await documents.findOne(
      { partition: { $gt: after }, dueAt: { $gt: 0 } },
      { projection: { partition: 1 }, sort: BY_PARTITION, hint: BY_PARTITION },
    );
    if (next?.partition === undefined) return found;
    after = next.partition;
    found.push(after);
  }
}

async function find(
  documents: Documents,
  filter: object,
  limit: number,
  hint: Readonly<Record<string, 1>> = { dueAt: 1 },
): Promise<readonly DueKey[]> {
  const found = await documents
    .find(filter, { projection: { dueAt: 1, partition: 1 }, hint })
    .sort({ dueAt: 1 })
    .limit(limit)
    .toArray();
  return found.map(({ _id: key, dueAt, partition }) => ({
    key,
    dueAt: dueAt!,
    ...(partition !== undefined && { partition }),
  }));
}
