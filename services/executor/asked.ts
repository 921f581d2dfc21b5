import { MAX_EXECUTED } from './contract.ts';
import type { QueueItem } from './raft/log.ts';
import { executable } from './raft/replication.ts';
import type { RaftState } from './raft/state.ts';

/** What a leader has asked the queue to execute in its term. */
export interface Asked {
  readonly term: number;
  /** Up to this entry. */
  readonly last: number;
  /** How far the queue was, and when it came so far, or when the first of what is outstanding was asked for; of the monotonic clock. */
  readonly executed: number;
  readonly at: number;
}

export interface Asking {
  /** Entries in one command. */
  readonly most: number;
  /** What was asked for is asked for again when the queue has not come on for so long. */
  readonly againMs: number;
}

export const ASKING: Asking = { most: MAX_EXECUTED, againMs: 2000 };

/**
 * What to ask for next, of what has come on: entries that count and were not asked for yet, whatever has become of those before them, for the queue handles
 * commands in their order and refuses one whose predecessors are missing. `undefined`: nothing. Without an entry: who leads now.
 */
export function due(
  asked: Asked | undefined,
  state: RaftState,
  now: number,
  { most, againMs }: Asking = ASKING,
): readonly QueueItem[] | undefined {
  const { term, executed, role, commit } = state;
  if (role.kind !== 'leader' || commit < role.since) return undefined;
  const items = executable(state);
  if (asked?.term !== term) return items.slice(0, most);
  const isLost = executed < asked.last && now - asked.at >= againMs;
  const next = isLost ? items : items.filter(({ seq }) => seq > asked.last);
  return next.length === 0 ? undefined : next.slice(0, most);
}

/** With how far the queue is by now. */
export function comeOn(asked: Asked | undefined, { term, executed }: RaftState, now: number): Asked | undefined {
  const isFurther = asked?.term === term && executed > asked.executed;
  return isFurther ? { ...asked, executed, at: now } : asked;
}

/** With what was asked for now; more does not put off when all of it is asked for again. */
export function withAsked(
  asked: Asked | undefined,
  { term, executed }: RaftState,
  items: readonly QueueItem[],
  now: number,
): Asked {
  const last = items.at(-1)?.seq ?? executed;
  const isMore = asked?.term === term && asked.last > executed && asked.last < (items[0]?.seq ?? 0);
  return { term, last, executed, at: isMore ? asked.at : now };
}
