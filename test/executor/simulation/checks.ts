import type { LogEntry } from '#services/executor/raft/log.ts';
import type { RaftMessage, RaftState } from '#services/executor/raft/state.ts';

/** What must hold whatever happens; it sees every node's state after each step, and all that is sent. */
export interface Checks {
  readonly violations: readonly string[];
  /** How many terms had a leader. */
  readonly leaders: () => number;
  seen(id: string, state: RaftState): void;
  sent(message: RaftMessage): void;
  applied(id: string, entries: readonly LogEntry[]): void;
  executed(seq: number, orderId: string, term: number, executor: string): void;
  violated(what: string): void;
}

const told = ({ term, item }: LogEntry): string => `${term}:${item === undefined ? '' : `${item.seq}=${item.orderId}`}`;

export function createChecks(now: () => number): Checks {
  const violations: string[] = [];
  const leaderOf = new Map<number, string>();
  const voteOf = new Map<string, string>();
  const termOf = new Map<string, number>();
  const counted = new Map<number, string>();
  const indexOf = new Map<number, number>();
  const executions: { readonly term: number; readonly executor: string }[] = [];
  const executorOf = new Map<number, string>();

  const violated = (what: string): void => {
    violations.push(`at ${now()} ms: ${what}`);
  };

  function vote(voter: string, term: number, candidate: string): void {
    const key = `${voter} in term ${term}`;
    const before = voteOf.get(key) ?? candidate;
    if (before !== candidate) violated(`${key} voted for ${before} and for ${candidate}`);
    voteOf.set(key, candidate);
  }

  return {
    violations,
    leaders: () => leaderOf.size,
    violated,
    seen(id, { role, term }) {
      if (role.kind !== 'leader') return;
      const before = leaderOf.get(term) ?? id;
      if (before !== id) violated(`term ${term} has two leaders: ${before} and ${id}`);
      leaderOf.set(term, id);
    },
    sent(message) {
      const { from, to, kind, term } = message;
      const pre = (kind === 'ask-vote' || kind === 'vote') && message.pre;
      if (pre) return;
      const before = termOf.get(from) ?? 0;
      const isGranted = kind === 'vote' && message.granted;
      if (term < before) violated(`the term of ${from} fell from ${before} to ${term} (${kind})`);
      termOf.set(from, Math.max(before, term));
      if (isGranted) vote(from, term, to);
      if (kind === 'ask-vote') vote(from, term, from);
    },
    applied(id, entries) {
      for (const entry of entries) {
        const before = counted.get(entry.index) ?? told(entry);
        if (before !== told(entry))
          violated(`entry ${entry.index} counts as ${before} and, for ${id}, as ${told(entry)}`);
        counted.set(entry.index, before);
        const { item } = entry;
        if (item === undefined) continue;
        const index = indexOf.get(item.seq) ?? entry.index;
        if (index !== entry.index) violated(`item ${item.seq} stands at ${index} and at ${entry.index}`);
        indexOf.set(item.seq, index);
      }
    },
    executed(seq, orderId, term, executor) {
      const last = executions.at(-1);
      if (seq !== executions.length + 1) violated(`item ${seq} is executed after ${executions.length}`);
      if (last !== undefined && term < last.term)
        violated(`item ${seq} is executed in term ${term}, after ${last.term}`);
      const before = executorOf.get(term) ?? executor;
      if (before !== executor) violated(`${before} and ${executor} execute in term ${term}`);
      const index = indexOf.get(seq);
      if (index === undefined) violated(`item ${seq} is executed and counts for nobody`);
      else if (!counted.get(index)?.endsWith(`${seq}=${orderId}`)) violated(`item ${seq} is executed as ${orderId}`);
      executorOf.set(term, before);
      executions.push({ term, executor });
    },
  };
}
