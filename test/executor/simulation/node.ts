import type { Checks } from './checks.ts';
import type { Events } from './events.ts';
import { comeOn, due, withAsked, type Asked } from '#services/executor/asked.ts';
import { step } from '#services/executor/raft.ts';
import { lastSeqOf, type QueueItem } from '#services/executor/raft/log.ts';
import {
  initialState,
  majorityOf,
  type Durable,
  type Input,
  type RaftConfig,
  type RaftMessage,
  type RaftState,
} from '#services/executor/raft/state.ts';

/** The queue as an executor reaches it; answers come later, or never. */
export interface QueueAccess {
  items(after: number, limit: number): readonly QueueItem[];
  /** Asks that these are executed; `answer` gets how far the queue is then. */
  execute(term: number, executor: string, items: readonly QueueItem[], answer: (executed: number) => void): void;
}

export interface NodeOptions {
  readonly config: RaftConfig;
  readonly events: Events;
  readonly checks: Checks;
  readonly queue: QueueAccess;
  readonly send: (message: RaftMessage) => void;
}

export interface Node {
  readonly id: string;
  /** `undefined`: it is dead. */
  readonly state: () => RaftState | undefined;
  readonly durable: () => Durable | undefined;
  deliver(message: RaftMessage): void;
  kill(): void;
  start(): void;
  /** It does nothing for so long and knows nothing of it. */
  freeze(ms: number): void;
  jump(ms: number): void;
  /** How long a write takes from now on, and how often it fails, in [0, 1]. */
  store(takesMs: number, fails: number): void;
}

const TICK_MS = 50;
const POLL_MS = 40;
const ASKING = { most: 3, againMs: 400 };
const SLACK_MS = 400;
const INBOX = 300;

/** One executor: stores what its machine says, then sends what it says. What comes meanwhile waits. */
export function createNode({ config, events, checks, queue, send }: NodeOptions): Node {
  const { id } = config;
  let state: RaftState | undefined;
  let disk: Durable | undefined;
  let inbox: Input[] = [];
  let life = 0;
  let isBusy = false;
  let frozenUntil = 0;
  let offset = 0;
  let writes = { takesMs: 2, fails: 0 };
  let asked: Asked | undefined;
  /** What the node itself felt passing while it led, and when it heard whom. */
  let awakeMs = 0;
  let tickedAt = 0;
  const heard = new Map<string, number>();

  /** In this life only, and once it is awake. */
  function later(ms: number, run: () => void, of = life): void {
    events.at(ms, () => {
      if (life !== of) return;
      const asleep = frozenUntil - events.now();
      if (asleep > 0) later(asleep, run, of);
      else run();
    });
  }

  function take(input: Input): void {
    if (state === undefined || inbox.length >= INBOX) return;
    inbox.push(input);
    work();
  }

  function work(): void {
    if (state === undefined || isBusy || inbox.length === 0) return;
    if (frozenUntil > events.now()) {
      isBusy = true;
      later(frozenUntil - events.now(), () => {
        isBusy = false;
        work();
      });
      return;
    }
    const batch = inbox;
    inbox = [];
    let next = state;
    let persist: Durable | undefined;
    const out: RaftMessage[] = [];
    const applied: (() => void)[] = [];
    for (const input of batch) {
      const before = next;
      const output = step(config, next, input, events.chance);
      next = output.state;
      persist = output.persist ?? persist;
      out.push(...output.send);
      if (output.apply.length > 0) applied.push(() => checks.applied(id, output.apply));
      if (input.kind === 'message' && input.message.term === next.term) heard.set(input.message.from, awakeMs);
      if (next.role.kind === 'leader' && before.role.kind !== 'leader')
        for (const peer of config.members) heard.set(peer, awakeMs);
      if (input.kind === 'tick') felt(next);
    }
    const done = (): void => {
      state = next;
      checks.seen(id, next);
      for (const apply of applied) apply();
      for (const message of out) {
        checks.sent(message);
        send(message);
      }
      isBusy = false;
      executing(next);
      work();
    };
    if (persist === undefined) {
      done();
      return;
    }
    isBusy = true;
    const stored = persist;
    const fails = events.chance() < writes.fails;
    // A write that fails may have been made all the same.
    const isWritten = !fails || events.chance() < 0.5;
    const takesMs = 1 + events.chance() * writes.takesMs;
    // On the way it outlives its process.
    const written = isWritten ? () => void (disk = stored) : () => {};
    events.at(takesMs * events.chance(), written);
    later(takesMs, () => {
      if (!fails) done();
      else restart();
    });
  }

  /** A leader that a majority is not heard by for long has to have stopped. */
  function felt(now: RaftState): void {
    awakeMs += Math.min(Math.max(now.now - tickedAt, 0), config.tickAtMostMs);
    tickedAt = now.now;
    if (now.role.kind !== 'leader') return;
    const recent = [...heard].filter(([peer, at]) => peer !== id && awakeMs - at < config.stepDownMs + SLACK_MS).length;
    if (recent + 1 < majorityOf(config)) checks.violated(`${id} leads in term ${now.term} and hears no majority`);
  }

  function ticking(): void {
    take({ kind: 'tick', now: events.now() + offset });
    later(TICK_MS, ticking);
  }

  function polling(): void {
    if (state?.role.kind === 'leader') {
      const items = queue.items(lastSeqOf(state.log), 6);
      if (items.length > 0) take({ kind: 'take', items });
      executing(state);
    }
    later(POLL_MS, polling);
  }

  /** All that is due, without waiting for what becomes of it. */
  function executing(of: RaftState): void {
    const now = events.now();
    asked = comeOn(asked, of, now);
    for (let items = due(asked, of, now, ASKING); items !== undefined; items = due(asked, of, now, ASKING)) {
      asked = withAsked(asked, of, items, now);
      const born = life;
      queue.execute(of.term, id, items, (seq) => {
        if (life === born) later(1, () => take({ kind: 'executed', seq }));
      });
    }
  }

  function restart(): void {
    kill();
    later(events.between(1, 100), start, life);
  }

  function kill(): void {
    life += 1;
    state = undefined;
    inbox = [];
    isBusy = false;
    asked = undefined;
  }

  function start(): void {
    if (state !== undefined) return;
    state = initialState(config, events.now() + offset, events.chance, disk);
    frozenUntil = 0;
    later(events.between(1, TICK_MS), ticking);
    later(events.between(1, POLL_MS), polling);
  }

  return {
    id,
    state: () => state,
    durable: () => disk,
    deliver: (message) => take({ kind: 'message', message }),
    kill,
    start,
    freeze: (ms) => void (frozenUntil = Math.max(frozenUntil, events.now() + ms)),
    jump: (ms) => void (offset += ms),
    store: (takesMs, fails) => void (writes = { takesMs, fails }),
  };
}
