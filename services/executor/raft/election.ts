import { isAtLeastAsNew, lastOf } from './log.ts';
import { leading } from './replication.ts';
import {
  between,
  following,
  majorityOf,
  othersOf,
  type Chance,
  type MessageOf,
  type RaftConfig,
  type RaftMessage,
  type RaftState,
  type Step,
} from './state.ts';

/**
 * Asks whether it would be voted for (section 9.6 of the dissertation): its term rises only when a majority would, so that one who was
 * away and comes back disturbs nobody.
 */
export function standing(config: RaftConfig, state: RaftState, chance: Chance): Step {
  const asking: RaftState = {
    ...state,
    role: { kind: 'candidate', pre: true, votes: [config.id] },
    silentMs: 0,
    // It stands again sooner than a follower would, and never at the same time as another for long.
    patienceMs: between(config.beatMaxMs, config.electionMinMs, chance),
  };
  return counted(config, asking, askingAll(config, asking, state.term + 1, true), chance);
}

/** Section 5.2: the term rises, it votes for itself and asks all others. */
function electing(config: RaftConfig, state: RaftState, chance: Chance): Step {
  const candidate: RaftState = {
    ...state,
    term: state.term + 1,
    votedFor: config.id,
    role: { kind: 'candidate', pre: false, votes: [config.id] },
    silentMs: 0,
    patienceMs: between(config.beatMaxMs, config.electionMinMs, chance),
  };
  return counted(config, candidate, askingAll(config, candidate, candidate.term, false), chance);
}

function askingAll(config: RaftConfig, state: RaftState, term: number, pre: boolean): readonly RaftMessage[] {
  const last = lastOf(state.log);
  return othersOf(config).map((to) => ({ kind: 'ask-vote', from: config.id, to, term, pre, last }));
}

/** With a majority of all that are configured it goes on: from asking to the election, from the election to leading. */
function counted(config: RaftConfig, state: RaftState, send: readonly RaftMessage[], chance: Chance): Step {
  const { role } = state;
  if (role.kind !== 'candidate' || role.votes.length < majorityOf(config)) return { state, send };
  return role.pre ? electing(config, state, chance) : leading(config, state);
}

/** One vote a term, only for a log at least as new as its own; whoever hears a leader wants no election. */
export function asked(config: RaftConfig, state: RaftState, message: MessageOf<'ask-vote'>, chance: Chance): Step {
  const { from: candidate, term, pre, last } = message;
  const isNewer = isAtLeastAsNew(last, lastOf(state.log));
  const answered = (after: RaftState, granted: boolean): Step => ({
    state: after,
    send: [{ kind: 'vote', from: config.id, to: candidate, term: granted ? term : after.term, pre, granted }],
  });
  if (pre) return answered(state, term > state.term && isNewer && !hearsLeader(config, state));
  const isFree = state.votedFor === undefined || state.votedFor === candidate;
  if (term !== state.term || !isFree || !isNewer || state.role.kind === 'leader') return answered(state, false);
  const { patienceMs } = following(config, state, state.term, undefined, chance);
  return answered({ ...state, votedFor: candidate, silentMs: 0, patienceMs }, true);
}

function hearsLeader({ electionMinMs }: RaftConfig, { role, silentMs }: RaftState): boolean {
  switch (role.kind) {
    case 'leader':
      return true;
    case 'follower':
      return role.leader !== undefined && silentMs < electionMinMs;
    case 'candidate':
      return false;
  }
}

export function voted(config: RaftConfig, state: RaftState, message: MessageOf<'vote'>, chance: Chance): Step {
  const { role } = state;
  const wanted = message.pre ? state.term + 1 : state.term;
  if (role.kind !== 'candidate' || role.pre !== message.pre || !message.granted || message.term !== wanted)
    return { state, send: [] };
  const votes = [...new Set([...role.votes, message.from])];
  return counted(config, { ...state, role: { ...role, votes } }, [], chance);
}
