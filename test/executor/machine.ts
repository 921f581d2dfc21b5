import { step } from '#services/executor/raft.ts';
import {
  initialState,
  type Durable,
  type Input,
  type RaftConfig,
  type RaftMessage,
  type RaftState,
} from '#services/executor/raft/state.ts';
import { LIMITS, TIMING } from '#services/executor/timing.ts';

type Told<M> = M extends RaftMessage ? Omit<M, 'from' | 'to'> : never;

/** One machine, `executor-1` of three, driven by hand. */
export function machine(durable?: Durable, config: Partial<RaftConfig> = {}) {
  const all: RaftConfig = {
    ...TIMING,
    ...LIMITS,
    id: 'executor-1',
    members: ['executor-1', 'executor-2', 'executor-3'],
    ...config,
  };
  let state: RaftState = initialState(all, 0, () => 0.5, durable);
  const input = (one: Input) => {
    const output = step(all, state, one, () => 0.5);
    state = output.state;
    return output;
  };
  const self = {
    state: () => state,
    input,
    hear: (from: number, told: Told<RaftMessage>) =>
      input({ kind: 'message', message: { from: `executor-${from}`, to: 'executor-1', ...told } as RaftMessage }),
    /** So many milliseconds in ticks of 100. */
    pass(ms: number): readonly RaftMessage[] {
      const sent: RaftMessage[] = [];
      for (let passed = 0; passed < ms; passed += 100) sent.push(...input({ kind: 'tick', now: state.now + 100 }).send);
      return sent;
    },
    /** Wins term 1. */
    lead() {
      self.pass(TIMING.electionMaxMs);
      self.hear(2, { kind: 'vote', term: 1, pre: true, granted: true });
      return self.hear(2, { kind: 'vote', term: 1, pre: false, granted: true });
    },
  };
  return self;
}
