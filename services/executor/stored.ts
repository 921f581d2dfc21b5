import type { Connection } from 'mongoose';
import { executorsCollection } from './model.ts';
import { Dispossessed, OtherNumber, type MemberStore } from './member.ts';
import type { Standing } from './standing.ts';
import type { LogEntry, Snapshot } from './raft/log.ts';
import type { Durable } from './raft/state.ts';
import type { Clock } from '#shared/clock.ts';
import { majorityCollection } from '#shared/database/majority.ts';

/** An executor; `_id` is its id. */
export interface StoredExecutor {
  readonly _id: string;
  /** How many there are; what that of the first one says holds for all. */
  readonly members?: number;
  /** The process that runs it, by its name, and the run of that process. */
  readonly owner: string;
  readonly token: string;
  /** Epoch ms until which nobody else takes it over. */
  readonly until: number;
  /** Counts its writes. */
  readonly version: number;
  readonly term: number;
  readonly votedFor?: string | null;
  readonly snapshot: Snapshot;
  readonly entries: readonly LogEntry[];
  /** What it looked like last, and when, epoch ms. */
  readonly standing?: Standing;
  readonly seenAt?: number;
}

/** A process that does not say for so long that it lives has lost its executors to whoever wants them. */
const LEASE_MS = 10_000;

const executorsIn = (db: Connection) => majorityCollection<StoredExecutor>(db, executorsCollection);

const NOTHING = { version: 0, term: 0, votedFor: null, snapshot: { index: 0, term: 0, seq: 0 }, entries: [] };

/**
 * Those that are configured are known from then on, whether or not they ever run; what is stored of one stays as it is. The first time
 * decides how many there are, for good: rejects with `OtherNumber` where it is another number.
 */
export async function enrolled(db: Connection, ids: readonly string[]): Promise<void> {
  const executors = executorsIn(db);
  const members = ids.length;
  const free = { ...NOTHING, owner: '', token: '', until: 0 };
  const [first, ...others] = ids;
  // Whatever their number is, there is a first one.
  await executors.updateOne({ _id: first! }, { $setOnInsert: { ...free, members } }, { upsert: true });
  await executors.updateOne({ _id: first!, members: { $exists: false } }, { $set: { members } });
  const decided = (await executors.findOne({ _id: first! }, { projection: { members: 1 } }))?.members;
  if (decided !== members) throw new OtherNumber(decided ?? 0, members);
  if (others.length === 0) return;
  await executors.bulkWrite(
    others.map((id) => ({ updateOne: { filter: { _id: id }, update: { $setOnInsert: free }, upsert: true } })),
    { ordered: false },
  );
}

export interface Holder {
  /** The name of the process; kept over its restarts where it has one. */
  readonly owner: string;
  /** Of this run. */
  readonly token: string;
}

/**
 * Takes an executor that is enrolled, if it is free: never run, run by this process before, or by one that is silent. From then on
 * whoever had it can write nothing of it any more: each write names the run that holds it. `undefined`: somebody else has it.
 */
export async function claimed(
  db: Connection,
  clock: Pick<Clock, 'now'>,
  id: string,
  { owner, token }: Holder,
): Promise<MemberStore | undefined> {
  // Asked for each time: a client may be replaced by a new one.
  const executors = () => executorsIn(db);
  const now = clock.now();
  const taken = await executors().updateOne(
    { _id: id, $or: [{ owner }, { until: { $lt: now } }] },
    { $set: { owner, token, until: now + LEASE_MS } },
  );
  if (taken.matchedCount === 0) return undefined;

  let known: Durable | undefined;
  let version = 0;
  return {
    async load() {
      const stored = await executors().findOne({ _id: id });
      if (stored?.token !== token) throw new Dispossessed(id);
      ({ version } = stored);
      const { term, votedFor, snapshot, entries } = stored;
      known = { term, votedFor: votedFor ?? undefined, log: { snapshot, entries } };
      return known;
    },
    async save(durable) {
      const { matchedCount } = await executors().updateOne(
        { _id: id, token, version },
        updateOf(known, durable, version),
      );
      if (matchedCount === 0) await lost();
      version += 1;
      known = durable;
    },
    async tell(standing) {
      const now = clock.now();
      const { matchedCount } = await executors().updateOne(
        { _id: id, token },
        { $set: { standing, seenAt: now, until: now + LEASE_MS } },
      );
      if (matchedCount === 0) throw new Dispossessed(id);
    },
    async release() {
      await executors().updateOne({ _id: id, token }, { $set: { until: 0 } });
    },
  };

  /** A write of before, of which nobody knew whether it was made, was made since: what is stored is read again. */
  async function lost(): Promise<never> {
    const stored = await executors().findOne({ _id: id });
    throw stored?.token === token ? new Error('what is stored has changed') : new Dispossessed(id);
  }
}

/** Entries that only follow those that are stored are added to them; anything else writes the log anew. */
function updateOf(known: Durable | undefined, { term, votedFor, log }: Durable, version: number) {
  const head = { term, votedFor: votedFor ?? null, version: version + 1 };
  const before = known?.log;
  if (before === log) return { $set: head };
  const follows =
    before?.snapshot === log.snapshot &&
    before.entries.length <= log.entries.length &&
    before.entries.every((entry, n) => entry === log.entries[n]);
  if (!follows) return { $set: { ...head, snapshot: log.snapshot, entries: log.entries } };
  return { $set: head, $push: { entries: { $each: log.entries.slice(before.entries.length) } } };
}
