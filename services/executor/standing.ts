import { lastOf } from './raft/log.ts';
import { leaderOf, type Input, type RaftConfig, type RaftState } from './raft/state.ts';

/** What an executor looks like from outside. */
export interface Standing {
  readonly role: RaftState['role']['kind'];
  /** Epoch ms at which it took this role in this term, or began. */
  readonly since: number;
  readonly term: number;
  readonly votedFor: string | undefined;
  readonly leader: string | undefined;
  /** Epoch ms at which it heard its leader, or a follower when it leads. */
  readonly lastHeartbeatAt: number | undefined;
  readonly lastIndex: number;
  readonly commitIndex: number;
  readonly executed: number;
}

export function standingOf(
  config: RaftConfig,
  state: RaftState,
  { since, lastHeartbeatAt }: Pick<Standing, 'since' | 'lastHeartbeatAt'>,
): Standing {
  const { role, term, votedFor, log, commit, executed } = state;
  return {
    role: role.kind,
    since,
    term,
    votedFor,
    leader: leaderOf(config, state),
    lastHeartbeatAt,
    lastIndex: lastOf(log).index,
    commitIndex: commit,
    executed,
  };
}

/** A word of the leader, or to it. */
export function isBeat(input: Input, { role }: RaftState): boolean {
  if (input.kind !== 'message') return false;
  const { kind, from } = input.message;
  if (role.kind === 'leader') return kind === 'heartbeat' || kind === 'appended';
  return role.kind === 'follower' && from === role.leader && (kind === 'append' || kind === 'snapshot');
}
