import { EMPTY_LOG, type LogEntry, type Position, type QueueItem, type RaftLog, type Snapshot } from './log.ts';

/** What is stored before anything is answered. */
export interface Durable {
  readonly term: number;
  /** Whom it voted for in this term. */
  readonly votedFor: string | undefined;
  readonly log: RaftLog;
}

export interface RaftTiming {
  /** A follower's heartbeats to its leader are so far apart, at random between the two. */
  readonly beatMinMs: number;
  readonly beatMaxMs: number;
  /** A follower that its leader has not answered for so long, at random between the two, stands for election. */
  readonly electionMinMs: number;
  readonly electionMaxMs: number;
  /** A leader that has not heard a majority for so long stops. */
  readonly stepDownMs: number;
  /** Between two ticks not more than this counts: a clock that jumps, or a process that slept, makes nobody silent. */
  readonly tickAtMostMs: number;
}

export interface RaftLimits {
  /** Items that the leader has in its log and that are not executed. */
  readonly window: number;
  /** Executed entries that stay in the log, for followers that are a little behind. */
  readonly kept: number;
  /** Entries in one message. */
  readonly batch: number;
}

export interface RaftConfig extends RaftTiming, RaftLimits {
  readonly id: string;
  /** All that are configured, this one among them; a majority is one of these, whoever lives. */
  readonly members: readonly string[];
}

/** What a leader knows of another one. */
export interface Progress {
  /** Up to here the other's log is known to equal its own. */
  readonly match: number;
  readonly next: number;
  /** Since it was heard. */
  readonly silentMs: number;
  /** Since it was told anything. */
  readonly untoldMs: number;
}

export type Role =
  | { readonly kind: 'follower'; readonly leader: string | undefined; readonly beatInMs: number }
  /** `pre`: it only asks whether it would be voted for; its term has not risen. */
  | { readonly kind: 'candidate'; readonly pre: boolean; readonly votes: readonly string[] }
  | {
      readonly kind: 'leader';
      readonly peers: Readonly<Record<string, Progress>>;
      /** The index of the entry that its term begins with. Once that counts, all that ever counted is known to. */
      readonly since: number;
    };

export interface RaftState extends Durable {
  readonly role: Role;
  /** The last entry that counts. */
  readonly commit: number;
  readonly applied: number;
  /** The last item of the queue that is known to be executed. */
  readonly executed: number;
  readonly now: number;
  /** Since the leader was heard, or a vote was given. */
  readonly silentMs: number;
  /** After so much silence it stands for election. */
  readonly patienceMs: number;
}

export type Payload =
  /** Follower to leader, at random intervals; answered with `append`, or `told` by one that does not lead. */
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'told'; readonly leader?: string }
  | { readonly kind: 'ask-vote'; readonly pre: boolean; readonly last: Position }
  | { readonly kind: 'vote'; readonly pre: boolean; readonly granted: boolean }
  | {
      readonly kind: 'append';
      readonly previous: Position;
      readonly entries: readonly LogEntry[];
      readonly commit: number;
      readonly executed: number;
    }
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot; readonly executed: number }
  /** `match`: up to here its log is the leader's; refused: it may be so up to here at most. */
  | { readonly kind: 'appended'; readonly ok: boolean; readonly match: number };

export type RaftMessage = {
  readonly from: string;
  readonly to: string;
  /** The sender's; of a question before an election: the one that it would stand for. */
  readonly term: number;
} & Payload;
/** The messages of one kind. */
export type MessageOf<Kind extends Payload['kind']> = Extract<RaftMessage, { readonly kind: Kind }>;

export type Input =
  | { readonly kind: 'tick'; readonly now: number }
  | { readonly kind: 'message'; readonly message: RaftMessage }
  /** What stands in the queue, in its order; a leader takes in its log what follows what is there. */
  | { readonly kind: 'take'; readonly items: readonly QueueItem[] }
  /** The queue says how far it is executed. */
  | { readonly kind: 'executed'; readonly seq: number };

export interface Output {
  readonly state: RaftState;
  readonly send: readonly RaftMessage[];
  /** Has to be stored before anything of `send` is sent. `undefined`: nothing of it changed. */
  readonly persist: Durable | undefined;
  /** Entries that count from now on, in order. */
  readonly apply: readonly LogEntry[];
}

/** What a transition decides; who is written to and what is stored follows from it. */
export interface Step {
  readonly state: RaftState;
  readonly send: readonly RaftMessage[];
}

/** A number in [0, 1), chosen by whoever runs the machine. */
export type Chance = () => number;

/** Everyone starts as a follower, at term 0 or with what it had stored. */
export function initialState(config: RaftConfig, now: number, chance: Chance, durable?: Durable): RaftState {
  const { term, votedFor, log } = durable ?? { term: 0, votedFor: undefined, log: EMPTY_LOG };
  const { index, seq } = log.snapshot;
  return {
    term,
    votedFor,
    log,
    now,
    commit: index,
    applied: index,
    executed: seq,
    role: { kind: 'follower', leader: undefined, beatInMs: 0 },
    silentMs: 0,
    patienceMs: between(config.electionMinMs, config.electionMaxMs, chance),
  };
}

export const majorityOf = ({ members }: Pick<RaftConfig, 'members'>): number => Math.floor(members.length / 2) + 1;

export const othersOf = ({ members, id }: RaftConfig): readonly string[] => members.filter((member) => member !== id);

export function between(min: number, max: number, chance: Chance): number {
  return min + chance() * (max - min);
}

/** The leader that a node knows: itself when it leads. */
export function leaderOf({ id }: Pick<RaftConfig, 'id'>, { role }: RaftState): string | undefined {
  if (role.kind === 'leader') return id;
  return role.kind === 'follower' ? role.leader : undefined;
}

/** A follower of this term, heard of its leader or not; what it voted stays unless the term is new. */
export function following(
  config: RaftConfig,
  state: RaftState,
  term: number,
  leader: string | undefined,
  chance: Chance,
): RaftState {
  return {
    ...state,
    term,
    votedFor: term === state.term ? state.votedFor : undefined,
    role: { kind: 'follower', leader, beatInMs: between(config.beatMinMs, config.beatMaxMs, chance) },
    silentMs: 0,
    patienceMs: between(config.electionMinMs, config.electionMaxMs, chance),
  };
}
