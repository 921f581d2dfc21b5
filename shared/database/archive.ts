import type { Connection, mongo } from 'mongoose';
import { systemClock } from '#shared/clock.ts';
import { majorityCollection } from './majority.ts';

export const DAY_MS = 86_400_000;

/** From this age on the archive is asked for what is absent: earlier than the earliest that it may have, so that clocks may differ. */
const ASK_FROM_MS = DAY_MS / 2;

/** Which documents of a collection have ended. Only those are archived whose keys end with a UUID that tells their time. */
export interface ArchiveRule<State> {
  /** What stands before the UUID in the keys. */
  readonly prefix?: string;
  /** Epoch ms at which it ended, as far as it tells; 0: it never began; `undefined`: it has not ended. */
  readonly endedAt: (state: State) => number | undefined;
  /** Indexes of the archive besides `_id`. */
  readonly indexes?: readonly Readonly<Record<string, 1 | -1>>[];
}

/** A rule whose states nobody here looks into. */
export type AnyArchiveRule = ArchiveRule<never>;

/** What of a stored document decides whether it may go. */
export interface Archivable {
  readonly _id: string;
  readonly version: number;
  readonly state?: unknown;
  readonly dueAt?: number;
  readonly stash?: readonly unknown[];
  readonly unsent?: readonly unknown[];
  readonly journal?: readonly unknown[];
}

/** The collection that keeps what has left this one. */
export function archiveOf(collection: string): string {
  return `${collection}_archive`;
}

/** It began and ended before that time (epoch ms), and nothing of it is still to be done. */
export function isArchivable(stored: Archivable, { prefix = '', endedAt }: AnyArchiveRule, before: number): boolean {
  const { _id: key, state, dueAt, stash = [], unsent = [], journal = [] } = stored;
  const begun = timeOf(key);
  if (begun === undefined || begun >= before || !key.startsWith(prefix)) return false;
  if (dueAt !== undefined || stash.length + unsent.length + journal.length > 0) return false;
  const ended = state === undefined ? 0 : endedAt(state as never);
  return ended !== undefined && ended < before;
}

const UUID_V7 = /([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** When a key was made (epoch ms), if it ends with a UUID of version 7. */
export function timeOf(key: string): number | undefined {
  const found = UUID_V7.exec(key);
  return found === null ? undefined : Number.parseInt(`${found[1]}${found[2]}`, 16);
}

/** The least UUID of that time: ids of before are less. */
export function idAt(epochMs: number): string {
  const time = epochMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}`;
}

/** A key that is not where it should be may be in the archive; of a new one nobody has to ask. */
export function mayBeArchived(key: string): boolean {
  const begun = timeOf(key);
  return begun !== undefined && begun < systemClock.now() - ASK_FROM_MS;
}

/** Makes the indexes of a collection's archive; idempotent. */
export async function prepareArchive(
  db: Connection,
  collection: string,
  { indexes = [] }: AnyArchiveRule,
): Promise<void> {
  for (const index of indexes) await majorityCollection(db, archiveOf(collection)).createIndex(index);
}

/** These fields of a document, wherever it is now. */
export async function storedById<Stored extends { readonly _id: string }>(
  db: Connection,
  collection: string,
  key: string,
  fields: Readonly<Record<string, 1>>,
): Promise<mongo.WithId<Stored> | null> {
  const find = (name: string) =>
    db.collection<Stored>(name).findOne({ _id: key } as mongo.Filter<Stored>, { projection: fields });
  return (await find(collection)) ?? (mayBeArchived(key) ? find(archiveOf(collection)) : null);
}
