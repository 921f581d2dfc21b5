import { step } from './raft.ts';
import type { QueueItem } from './raft/log.ts';
import {
  initialState,
  type Durable,
  type Input,
  type RaftConfig,
  type RaftMessage,
  type RaftState,
} from './raft/state.ts';
import { isBeat, standingOf, type Standing } from './standing.ts';
import { TICK_MS } from './timing.ts';
import { backoffMs } from '#shared/backoff.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import { insist } from '#shared/insist.ts';
import type { Log } from '#shared/log.ts';

/** Where one executor keeps what it must not forget. Only one process at a time can write it. */
export interface MemberStore {
  /** `undefined`: it was never stored. */
  load(): Promise<Durable | undefined>;
  /** All of it or nothing. Rejects with `Dispossessed` when another process has taken this executor over. */
  save(durable: Durable): Promise<void>;
  /** Tells what it looks like, and that it lives; rejects like `save`. */
  tell(standing: Standing): Promise<void>;
  /** Whoever wants it may have it at once. */
  release(): Promise<void>;
}

/** Another process is this executor now. */
export class Dispossessed extends Error {
  override readonly name = 'Dispossessed';
}

/** Of how many a majority is one was decided when the executors first ran; with two opinions of it there could be two majorities. */
export class OtherNumber extends Error {
  override readonly name = 'OtherNumber';
  constructor(stored: number, configured: number) {
    super(`no executor runs here: EXECUTORS is ${configured}, and these executors are ${stored} since they first ran`);
  }
}

export interface MemberOptions {
  readonly config: RaftConfig;
  readonly store: MemberStore;
  readonly clock: Clock;
  readonly log: Log;
  /** May lose it. */
  readonly send: (message: RaftMessage) => void;
  readonly onRole?: (standing: Standing) => void;
  /** More counts than before. */
  readonly onCounted?: () => void;
}

export interface Member {
  readonly id: string;
  /** What it has stored and what follows from that; `undefined` while it has not read it yet. */
  readonly state: () => RaftState | undefined;
  readonly standing: () => Standing | undefined;
  hear(message: RaftMessage): void;
  take(items: readonly QueueItem[]): void;
  executed(seq: number): void;
  /** Resolves when it has ended: asked to, or because another process is this executor now. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

const TELL_EVERY_MS = 1000;
const BACKOFF = { baseMs: 50, capMs: 2000 };
/** More waits for nobody: what is lost comes again. */
const MOST_WAITING = 1000;

/** One executor: stores what its machine says, then sends what it says. What comes meanwhile waits, and is taken in together. */
export function createMember(options: MemberOptions): Member {
  const { config, store, clock, log, send, onRole, onCounted } = options;
  const { id } = config;
  const stopping = new AbortController();
  let state: RaftState | undefined;
  let inbox: Input[] = [];
  let isTickDue = false;
  let lastHeartbeatAt: number | undefined;
  let wake = (): void => {};
  let toldAt = 0;
  let since = 0;
  /** Since something could be stored. */
  let failures = 0;

  function input(one: Input): void {
    if (state === undefined || inbox.length >= MOST_WAITING) return;
    inbox.push(one);
    wake();
  }

  const standing = (): Standing | undefined => state && standingOf(config, state, { since, lastHeartbeatAt });

  /** Takes in all that waits as one change: one write, then all that is to be sent. */
  async function work(before: RaftState): Promise<RaftState> {
    const batch = isTickDue ? [...inbox, { kind: 'tick', now: clock.now() } as const] : inbox;
    inbox = [];
    isTickDue = false;
    let next = before;
    let persist: Durable | undefined;
    const out: RaftMessage[] = [];
    for (const one of batch) {
      const output = step(config, next, one, clock.random);
      next = output.state;
      persist = output.persist ?? persist;
      out.push(...output.send);
      if (isBeat(one, next)) lastHeartbeatAt = clock.now();
    }
    if (persist !== undefined) {
      await store.save(persist);
      failures = 0;
    }
    state = next;
    const isNew = next.role.kind !== before.role.kind || next.term !== before.term;
    for (const message of out) send(message);
    if (next.commit > before.commit) onCounted?.();
    if (isNew) since = clock.now();
    if (isNew) changed();
    if (isNew || clock.now() - toldAt >= TELL_EVERY_MS) {
      toldAt = clock.now();
      await tell(standing()!);
    }
    return next;
  }

  async function tell(now: Standing): Promise<void> {
    try {
      await store.tell(now);
    } catch (error) {
      // That it looks dead for a while harms nobody.
      if (error instanceof Dispossessed) throw error;
    }
  }

  function changed(): void {
    const now = standing()!;
    log.info(`${id} is ${now.role} in term ${now.term}`, { executor: id, ...now });
    onRole?.(now);
  }

  /**
   * Time is looked at after what has already arrived, and never twice for one wait: an executor that was held up, by its process or by
   * its database, cannot tell whether its leader was silent meanwhile.
   */
  function ticking(): void {
    if (stopping.signal.aborted) return;
    clock.soon(() => {
      isTickDue = true;
      wake();
    });
    clock.after(TICK_MS, ticking);
  }

  /** From what is stored until something cannot be stored: nothing of that was sent, so that it begins again with what is. */
  async function live(): Promise<void> {
    const { signal } = stopping;
    const how = { warning: `${id} cannot read its log`, backoff: BACKOFF, isWanted: () => !signal.aborted, signal };
    const stored = await insist({ clock, log }, how, async () => ({ durable: await store.load() }));
    if (stored === undefined) return;
    inbox = [];
    isTickDue = false;
    since = clock.now();
    state = initialState(config, clock.now(), clock.random, stored.durable);
    try {
      while (!stopping.signal.aborted) {
        if (inbox.length > 0 || isTickDue) state = await work(state);
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      state = undefined;
    }
  }

  async function run(): Promise<void> {
    ticking();
    while (!stopping.signal.aborted) {
      try {
        await live();
      } catch (error) {
        if (error instanceof Dispossessed) {
          log.warn(`${id} is run by another process now`);
          stopping.abort();
          return;
        }
        log.warn(`${id} begins again with what it has stored`, { reason: reasonOf(error) });
        failures += 1;
        await clock.sleep(backoffMs(BACKOFF, failures, clock.random), stopping.signal).catch(() => {});
      }
    }
  }

  const ended = run();
  return {
    id,
    state: () => state,
    standing,
    hear: (message) => input({ kind: 'message', message }),
    take: (items) => input({ kind: 'take', items }),
    executed: (seq) => input({ kind: 'executed', seq }),
    ended,
    async stop() {
      stopping.abort();
      wake();
      await ended;
      await store.release().catch(() => {});
    },
  };
}
