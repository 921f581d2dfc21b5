/** A place in the order queue: the number that it has there, and whose order it is. */
export interface QueueItem {
  /** Counts from 1, without gaps. */
  readonly seq: number;
  readonly orderId: string;
}

export interface LogEntry {
  readonly index: number;
  /** Of the leader that appended it. */
  readonly term: number;
  /** Absent: what a leader begins its term with. */
  readonly item?: QueueItem;
}

/** Everything up to `index` was executed and has left the log (section 7 of the paper); all that is left of it is how far the queue was. */
export interface Snapshot {
  readonly index: number;
  readonly term: number;
  /** The last item of the queue that it covers. */
  readonly seq: number;
}

/** Entries are numbered without gaps, from `snapshot.index + 1`. */
export interface RaftLog {
  readonly snapshot: Snapshot;
  readonly entries: readonly LogEntry[];
}

/** Where a log is: what the paper calls index and term of an entry. */
export interface Position {
  readonly index: number;
  readonly term: number;
}

export const EMPTY_LOG: RaftLog = { snapshot: { index: 0, term: 0, seq: 0 }, entries: [] };

export function lastOf({ snapshot, entries }: RaftLog): Position {
  const { index, term } = entries.at(-1) ?? snapshot;
  return { index, term };
}

/** The number of the last item of the queue that the log has, executed or not. */
export function lastSeqOf({ snapshot, entries }: RaftLog): number {
  return entries.findLast(({ item }) => item !== undefined)?.item?.seq ?? snapshot.seq;
}

/** `undefined`: it is not in the log yet, or no longer. */
export function entryAt({ snapshot, entries }: RaftLog, index: number): LogEntry | undefined {
  return entries[index - snapshot.index - 1];
}

/** The term at an index of the log; `undefined`: not in the log yet, or no longer. */
export function termAt(log: RaftLog, index: number): number | undefined {
  return index === log.snapshot.index ? log.snapshot.term : entryAt(log, index)?.term;
}

/** Entries of the log from an index on, so many at most. */
export function from({ snapshot, entries }: RaftLog, index: number, limit: number): readonly LogEntry[] {
  const first = Math.max(index - snapshot.index - 1, 0);
  return entries.slice(first, first + limit);
}

/**
 * Takes entries of the leader in: an entry that conflicts with one of them (same index, other term) goes with all that follow it; one
 * that is there already stays. The same log when nothing is new.
 */
export function merged(log: RaftLog, entries: readonly LogEntry[]): RaftLog {
  const fresh = entries.findIndex(
    ({ index, term }) => index > log.snapshot.index && entryAt(log, index)?.term !== term,
  );
  const first = entries[fresh];
  if (first === undefined) return log;
  const kept = log.entries.slice(0, first.index - log.snapshot.index - 1);
  return { ...log, entries: [...kept, ...entries.slice(fresh)] };
}

/** Section 5.4.1: the log whose last entry has the later term is newer; with the same term, the longer one. */
export function isAtLeastAsNew(one: Position, other: Position): boolean {
  return one.term === other.term ? one.index >= other.index : one.term > other.term;
}

/** The log without its entries up to `index`, which the log must have. */
export function compacted(log: RaftLog, index: number): RaftLog {
  const last = entryAt(log, index);
  if (last === undefined) return log;
  const count = index - log.snapshot.index;
  const seq = log.entries.slice(0, count).findLast(({ item }) => item !== undefined)?.item?.seq ?? log.snapshot.seq;
  return { snapshot: { index, term: last.term, seq }, entries: log.entries.slice(count) };
}

/** What a follower makes of a snapshot that is ahead of it: what follows it in its own log stays, if it agrees (figure 13, step 6). */
export function withSnapshot(log: RaftLog, snapshot: Snapshot): RaftLog {
  const agrees = entryAt(log, snapshot.index)?.term === snapshot.term;
  return { snapshot, entries: agrees ? log.entries.slice(snapshot.index - log.snapshot.index) : [] };
}
