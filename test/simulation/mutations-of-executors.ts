/** Deliberate defects of the executors; their own simulation has to catch them. */
import type { Mutation } from './mutation.ts';

const simulation = 'test/executor/simulation/main.ts';

export const ofExecutors: readonly Mutation[] = [
  {
    name: 'a vote is not stored',
    guarantee: 'one vote a term, also over a restart',
    file: 'services/executor/raft.ts',
    find: 'persist: isStored ? undefined : { term, votedFor, log }',
    replace: 'persist: isStored ? undefined : { term, votedFor: undefined, log }',
    simulation,
  },
  {
    name: 'a lower term is granted',
    guarantee: 'nobody votes in a term that is over',
    file: 'services/executor/raft.ts',
    find: 'if (term < state.term) return refused(',
    replace: "if (term < state.term && message.kind !== 'ask-vote') return refused(",
    and: {
      file: 'services/executor/raft/election.ts',
      find: "if (term !== state.term || !isFree || !isNewer || state.role.kind === 'leader')",
      replace: "if (term >= state.term && (!isFree || !isNewer || state.role.kind === 'leader'))",
    },
    simulation,
  },
  {
    name: 'no fence',
    guarantee: 'what an executor of a past term does is refused',
    file: 'services/executor/fence.ts',
    find: 'if (term < fence.term) return',
    replace: 'if (term < 0) return',
    simulation,
  },
  {
    name: 'counted before a majority has it',
    guarantee: 'an entry counts when a majority has it',
    file: 'services/executor/raft/replication.ts',
    find: '[majorityOf(config) - 1]',
    replace: '[0]',
    simulation,
  },
  {
    name: 'logs are not compared',
    guarantee: 'a vote is for a log at least as new as the voter’s',
    file: 'services/executor/raft/log.ts',
    find: 'return one.term === other.term ? one.index >= other.index : one.term > other.term;',
    replace: 'return one.index >= 0 || other.index >= 0;',
    simulation,
  },
  {
    name: 'a leader never steps down',
    guarantee: 'a leader that hears no majority stops',
    file: 'services/executor/raft.ts',
    find: 'if (heardOf < majorityOf(config))',
    replace: 'if (heardOf < 0)',
    simulation,
  },
  {
    name: 'what was lost is not asked for again',
    guarantee: 'each entry is executed, whatever is lost on its way',
    file: 'services/executor/asked.ts',
    find: 'const isLost = executed < asked.last',
    replace: 'const isLost = executed < 0',
    simulation,
  },
];
