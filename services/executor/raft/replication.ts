import {
  compacted,
  entryAt,
  from,
  lastOf,
  lastSeqOf,
  merged,
  termAt,
  withSnapshot,
  type LogEntry,
  type QueueItem,
} from './log.ts';
import {
  majorityOf,
  othersOf,
  type MessageOf,
  type Progress,
  type RaftConfig,
  type RaftState,
  type Step,
} from './state.ts';

/** Whoever won begins its term with an entry of its own, and tells all at once who leads. */
export function leading(config: RaftConfig, state: RaftState): Step {
  const { index } = lastOf(state.log);
  const begun: LogEntry = { index: index + 1, term: state.term };
  const peer: Progress = { match: 0, next: begun.index, silentMs: 0, untoldMs: 0 };
  const peers = Object.fromEntries(othersOf(config).map((id) => [id, peer]));
  const log = { ...state.log, entries: [...state.log.entries, begun] };
  const leader: RaftState = { ...state, log, role: { kind: 'leader', peers, since: begun.index } };
  return toldAll(config, { state: leader, send: [] });
}

/** Takes the items that follow those of its log, as many as there is room for; one that does not lead takes none. */
export function taking(config: RaftConfig, state: RaftState, items: readonly QueueItem[]): Step {
  if (state.role.kind !== 'leader') return { state, send: [] };
  const entries = [...state.log.entries];
  let { index } = lastOf(state.log);
  let seq = lastSeqOf(state.log);
  for (const item of items) {
    if (item.seq !== seq + 1 || item.seq > state.executed + config.window) continue;
    seq += 1;
    index += 1;
    entries.push({ index, term: state.term, item });
  }
  if (entries.length === state.log.entries.length) return { state, send: [] };
  return toldAll(config, { state: { ...state, log: { ...state.log, entries } }, send: [] });
}

function toldAll(config: RaftConfig, step: Step): Step {
  return counting(
    config,
    othersOf(config).reduce((before, peer) => telling(config, before, peer), step),
  );
}

/** What another one lacks, as far as is known; all the entries that are sent count as taken until it says otherwise. */
export function telling(config: RaftConfig, { state, send }: Step, to: string): Step {
  const { role, log, term, commit, executed } = state;
  if (role.kind !== 'leader') return { state, send };
  const peer = role.peers[to];
  if (peer === undefined) return { state, send };
  const head = { from: config.id, to, term };
  const told = (next: number): RaftState => withPeer(state, to, { ...peer, next, untoldMs: 0 });
  const previous = { index: peer.next - 1, term: termAt(log, peer.next - 1) };
  if (previous.term === undefined) {
    const { snapshot } = log;
    return {
      state: told(snapshot.index + 1),
      send: [...send, { ...head, kind: 'snapshot', snapshot, executed }],
    };
  }
  const entries = from(log, peer.next, config.batch);
  return {
    state: told(peer.next + entries.length),
    send: [
      ...send,
      { ...head, kind: 'append', previous: { index: previous.index, term: previous.term }, entries, commit, executed },
    ],
  };
}

export function withPeer(state: RaftState, id: string, peer: Progress): RaftState {
  return state.role.kind === 'leader'
    ? { ...state, role: { ...state.role, peers: { ...state.role.peers, [id]: peer } } }
    : state;
}

/** Of the leader of its own term: takes the entries if what precedes them is in its log, else says how far back the leader has to go. */
export function appending(config: RaftConfig, state: RaftState, message: MessageOf<'append'>): Step {
  const { from: leader, previous, entries, commit, executed } = message;
  const answer = (after: RaftState, ok: boolean, match: number): Step => ({
    state: after,
    send: [{ kind: 'appended', from: config.id, to: leader, term: state.term, ok, match }],
  });
  const { snapshot } = state.log;
  // What its snapshot covers counted, so the leader has the same.
  if (previous.index >= snapshot.index && termAt(state.log, previous.index) !== previous.term)
    return answer(state, false, backTo(state, previous.index));
  const log = merged(state.log, entries);
  const match = previous.index + entries.length;
  const counts = Math.max(state.commit, Math.min(commit, match));
  const taken = { ...state, log, commit: counts, executed: Math.max(state.executed, executed) };
  return answer(compacting(config, taken), true, match);
}

/** Before the first entry of the term that conflicts; the end of its log when that is shorter. */
function backTo({ log, commit }: RaftState, index: number): number {
  const { index: end } = lastOf(log);
  if (index > end) return end;
  const conflicting = termAt(log, index);
  let first = index;
  while (first > commit + 1 && termAt(log, first - 1) === conflicting) first -= 1;
  return first - 1;
}

/** Of a leader that no longer has the entries that this one lacks. */
export function installing(config: RaftConfig, state: RaftState, message: MessageOf<'snapshot'>): Step {
  const { snapshot } = message;
  const executed = Math.max(state.executed, message.executed);
  const isAhead = snapshot.index > state.commit;
  const installed: RaftState = isAhead
    ? { ...state, log: withSnapshot(state.log, snapshot), commit: snapshot.index, applied: snapshot.index, executed }
    : { ...state, executed };
  return {
    state: compacting(config, installed),
    send: [{ kind: 'appended', from: config.id, to: message.from, term: state.term, ok: true, match: snapshot.index }],
  };
}

export function appended(config: RaftConfig, state: RaftState, message: MessageOf<'appended'>): Step {
  const { from: id, ok, match } = message;
  const peer = state.role.kind === 'leader' ? state.role.peers[id] : undefined;
  if (peer === undefined) return { state, send: [] };
  if (!ok) {
    // An answer to what was sent long ago is overtaken by what is known.
    const next = Math.max(peer.match, Math.min(match, lastOf(state.log).index)) + 1;
    return telling(config, { state: withPeer(state, id, { ...peer, next }), send: [] }, id);
  }
  const known = Math.max(peer.match, match);
  const progress = { ...peer, match: known, next: Math.max(peer.next, known + 1) };
  const counted = counting(config, { state: withPeer(state, id, progress), send: [] });
  const isBehind = progress.next <= lastOf(state.log).index;
  return isBehind ? telling(config, counted, id) : counted;
}

/** Figure 2, the last rule for leaders: an entry of its own term that a majority has counts, and with it all before it (section 5.4.2). */
function counting(config: RaftConfig, { state, send }: Step): Step {
  if (state.role.kind !== 'leader') return { state, send };
  const matches = [lastOf(state.log).index, ...Object.values(state.role.peers).map(({ match }) => match)];
  const reached = matches.toSorted((a, b) => b - a)[majorityOf(config) - 1] ?? 0;
  const counts = reached > state.commit && termAt(state.log, reached) === state.term;
  return { state: counts ? { ...state, commit: reached } : state, send };
}

/** How far the queue is executed; a leader tells it with whatever it sends next. */
export function executing(config: RaftConfig, state: RaftState, seq: number): RaftState {
  return seq > state.executed ? compacting(config, { ...state, executed: seq }) : state;
}

/** Entries that count and are executed leave the log, all but the newest. */
function compacting({ kept }: RaftConfig, state: RaftState): RaftState {
  const { log, commit, executed } = state;
  const doneBefore = log.entries.findIndex(
    ({ index, item }) => index > commit || (item !== undefined && item.seq > executed),
  );
  const done = doneBefore === -1 ? log.entries.length : doneBefore;
  // Twice as many may stay: not every entry that comes rewrites the log.
  if (done <= 2 * kept) return state;
  const last = log.entries[done - kept - 1];
  return last === undefined ? state : { ...state, log: compacted(log, last.index) };
}

/** What counts and is not executed, in order; nobody but a leader whose own term counts may execute it. */
export function executable({ role, log, commit, executed }: RaftState): readonly QueueItem[] {
  if (role.kind !== 'leader' || commit < role.since) return [];
  return log.entries.flatMap(({ index, item }) =>
    item !== undefined && index <= commit && item.seq > executed ? [item] : [],
  );
}

/** The entries after `applied` up to what counts. */
export function applicable({ log, applied, commit }: RaftState): readonly LogEntry[] {
  return Array.from({ length: commit - applied }, (_, step) => entryAt(log, applied + step + 1)).filter(
    (entry) => entry !== undefined,
  );
}
