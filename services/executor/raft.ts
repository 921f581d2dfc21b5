import { asked, standing, voted } from './raft/election.ts';
import {
  appended,
  appending,
  applicable,
  executing,
  installing,
  taking,
  telling,
  withPeer,
} from './raft/replication.ts';
import {
  between,
  following,
  leaderOf,
  majorityOf,
  type Chance,
  type Input,
  type Output,
  type RaftConfig,
  type RaftMessage,
  type RaftState,
  type Step,
} from './raft/state.ts';

/**
 * Raft (Ongaro and Ousterhout, "In search of an understandable consensus algorithm", 2014; figure 2 is the measure) as a function of a
 * state and an input. Two things are turned round: followers send the heartbeats, at random intervals, and a leader's answer to one is
 * its AppendEntries; and before an election one asks whether it would be won (Ongaro's dissertation, section 9.6).
 *
 * It knows no broker, no store and no clock. Whoever runs it stores `persist` before it sends anything of `send`, and when that
 * cannot be stored begins again with what is.
 */
export function step(config: RaftConfig, state: RaftState, input: Input, chance: Chance): Output {
  const decided = decide(config, state, input, chance);
  const apply = applicable(decided.state);
  const after = { ...decided.state, applied: decided.state.commit };
  const { term, votedFor, log } = after;
  const isStored = term === state.term && votedFor === state.votedFor && log === state.log;
  return { state: after, send: decided.send, persist: isStored ? undefined : { term, votedFor, log }, apply };
}

function decide(config: RaftConfig, state: RaftState, input: Input, chance: Chance): Step {
  switch (input.kind) {
    case 'tick':
      return ticked(config, state, input.now, chance);
    case 'message':
      // Whoever is not configured has no vote and no say, or a majority would not be one.
      return config.members.includes(input.message.from)
        ? heard(config, state, input.message, chance)
        : { state, send: [] };
    case 'take':
      return taking(config, state, input.items);
    case 'executed':
      return { state: executing(config, state, input.seq), send: [] };
  }
}

function ticked(config: RaftConfig, before: RaftState, now: number, chance: Chance): Step {
  const passedMs = Math.min(Math.max(now - before.now, 0), config.tickAtMostMs);
  const state: RaftState = { ...before, now, silentMs: before.silentMs + passedMs };
  const { role } = state;
  switch (role.kind) {
    case 'follower': {
      if (state.silentMs >= state.patienceMs) return standing(config, state, chance);
      const beatInMs = role.beatInMs - passedMs;
      if (beatInMs > 0 || role.leader === undefined)
        return { state: { ...state, role: { ...role, beatInMs } }, send: [] };
      const next = between(config.beatMinMs, config.beatMaxMs, chance);
      const { term } = state;
      return {
        state: { ...state, role: { ...role, beatInMs: next } },
        send: [{ kind: 'heartbeat', from: config.id, to: role.leader, term }],
      };
    }
    case 'candidate':
      return state.silentMs >= state.patienceMs ? standing(config, state, chance) : { state, send: [] };
    case 'leader':
      return ledOn(config, state, passedMs, chance);
  }
}

/** A leader stops when it hears no majority; those that have heard nothing for long are told again. */
function ledOn(config: RaftConfig, before: RaftState, passedMs: number, chance: Chance): Step {
  if (before.role.kind !== 'leader') return { state: before, send: [] };
  const peers = Object.entries(before.role.peers).map(([id, peer]): readonly [string, typeof peer] => [
    id,
    { ...peer, silentMs: peer.silentMs + passedMs, untoldMs: peer.untoldMs + passedMs },
  ]);
  const heardOf = peers.filter(([, { silentMs }]) => silentMs < config.stepDownMs).length + 1;
  if (heardOf < majorityOf(config))
    return { state: following(config, before, before.term, undefined, chance), send: [] };
  const state: RaftState = { ...before, role: { ...before.role, peers: Object.fromEntries(peers) } };
  return peers
    .filter(([, { untoldMs }]) => untoldMs >= 2 * config.beatMaxMs)
    .reduce((step: Step, [id]) => telling(config, step, id), { state, send: [] });
}

/** A higher term is adopted at once, a lower one is told the own; then the message itself. */
function heard(config: RaftConfig, state: RaftState, message: RaftMessage, chance: Chance): Step {
  const { from, term } = message;
  if (message.kind === 'ask-vote' && message.pre) return asked(config, state, message, chance);
  // A vote for a term that nobody stood for yet.
  const isAhead = term > state.term && !(message.kind === 'vote' && message.pre && message.granted);
  if (isAhead) return heard(config, following(config, state, term, undefined, chance), message, chance);
  if (term < state.term) return refused(config, state, message);
  const noted = leaderHeard(config, peerHeard(state, from), message, chance);
  switch (message.kind) {
    case 'heartbeat':
      return noted.role.kind === 'leader'
        ? telling(config, { state: noted, send: [] }, from)
        : { state: noted, send: [told(config, noted, from)] };
    case 'told':
      return { state: noted, send: [] };
    case 'ask-vote':
      return asked(config, noted, message, chance);
    case 'vote':
      return voted(config, noted, message, chance);
    case 'append':
      return appending(config, noted, message);
    case 'snapshot':
      return installing(config, noted, message);
    case 'appended':
      return appended(config, noted, message);
  }
}

/** What is asked of a past term is refused; what is answered there is too late. */
function refused(config: RaftConfig, state: RaftState, message: RaftMessage): Step {
  const { from } = message;
  const { term } = state;
  switch (message.kind) {
    case 'ask-vote':
      return {
        state,
        send: [{ kind: 'vote', from: config.id, to: from, term, pre: message.pre, granted: false }],
      };
    case 'heartbeat':
    case 'append':
    case 'snapshot':
      return { state, send: [told(config, state, from)] };
    case 'told':
    case 'vote':
    case 'appended':
      return { state, send: [] };
  }
}

function told(config: RaftConfig, state: RaftState, to: string): RaftMessage {
  const leader = leaderOf(config, state);
  return { kind: 'told', from: config.id, to, term: state.term, ...(leader === undefined ? {} : { leader }) };
}

function peerHeard(state: RaftState, from: string): RaftState {
  const peer = state.role.kind === 'leader' ? state.role.peers[from] : undefined;
  return peer === undefined ? state : withPeer(state, from, { ...peer, silentMs: 0 });
}

/** What only a leader sends names it; one that says that it does not lead any more is not waited for. */
function leaderHeard(config: RaftConfig, state: RaftState, message: RaftMessage, chance: Chance): RaftState {
  const { from } = message;
  const { role } = state;
  switch (message.kind) {
    case 'append':
    case 'snapshot': {
      const isKnown = role.kind === 'follower' && role.leader === from;
      return isKnown ? { ...state, silentMs: 0 } : following(config, state, state.term, from, chance);
    }
    case 'told': {
      if (role.kind !== 'follower' || (role.leader !== undefined && role.leader !== from)) return state;
      return { ...state, role: { ...role, leader: message.leader === config.id ? undefined : message.leader } };
    }
    case 'heartbeat':
    case 'ask-vote':
    case 'vote':
    case 'appended':
      return state;
  }
}
