import type { Member } from './member.ts';
import { lastSeqOf, type QueueItem } from './raft/log.ts';
import { executable } from './raft/replication.ts';
import type { RaftState } from './raft/state.ts';
import { MAX_EXECUTED } from './contract.ts';
import { LIMITS } from './timing.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

export interface Progress {
  /** The last entry that was given. */
  readonly queued: number;
  /** The last one that was executed. */
  readonly executed: number;
  /** How often somebody came whose term was over. */
  readonly refused: number;
}

export interface Leading {
  /** What it last saw of the queue; `undefined`: it does not lead. */
  readonly progress: () => Progress | undefined;
  stop(): Promise<void>;
}

/** The order queue as a leader reaches it. */
export interface OrderQueue {
  progress(): Promise<Progress>;
  /** What stands behind this entry, in order, without a gap. */
  after(entry: number, limit: number): Promise<readonly QueueItem[]>;
  /** Asks the queue to execute these. What becomes of it says its progress. */
  execute(term: number, executor: string, items: readonly QueueItem[]): Promise<void>;
}

export interface LeadingOptions {
  readonly member: Member;
  readonly queue: OrderQueue;
  readonly clock: Clock;
  readonly log: Log;
}

/** While there is something to do, and while there is not. */
const BUSY_MS = 25;
const IDLE_MS = 150;
/** What was asked for and has not happened is asked for again. */
const AGAIN_MS = 2000;

/**
 * The work of an executor that leads: takes into its log what stands in the queue, and has executed what counts, in order, one command
 * at a time. One that does not lead does nothing.
 */
export function createLeading({ member, queue, clock, log }: LeadingOptions): Leading {
  const stopping = new AbortController();
  let asked: { readonly term: number; readonly last: number; readonly at: number } | undefined;
  let seen: Progress | undefined;
  let failures = 0;

  /** The items are those that were replicated; `undefined`: what was asked for may still happen. */
  function due(state: RaftState): readonly QueueItem[] | undefined {
    const { term, executed, role, commit } = state;
    if (role.kind !== 'leader' || commit < role.since) return undefined;
    const items = executable(state).slice(0, MAX_EXECUTED);
    if (asked?.term !== term) return items;
    if (items.length === 0 || (executed < asked.last && clock.now() - asked.at < AGAIN_MS)) return undefined;
    return items;
  }

  /** Tells whether there may be more to do at once. Nothing is waited for before what is due is asked for. */
  async function once(): Promise<boolean> {
    const state = member.state();
    if (state?.role.kind !== 'leader') {
      seen = undefined;
      return false;
    }
    const items = due(state);
    if (items !== undefined) {
      const before = asked;
      asked = { term: state.term, last: items.at(-1)?.seq ?? state.executed, at: clock.now() };
      try {
        await queue.execute(state.term, member.id, items);
      } catch (error) {
        asked = before;
        throw error;
      }
    }
    seen = await queue.progress();
    const { queued, executed } = seen;
    if (executed > state.executed) member.executed(executed);
    const last = lastSeqOf(state.log);
    if (queued > last && last < executed + LIMITS.window) member.take(await queue.after(last, LIMITS.batch));
    return queued > executed || items !== undefined;
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      let isBusy = false;
      try {
        isBusy = await once();
        failures = 0;
      } catch (error) {
        failures += 1;
        if (failures === 10) log.warn(`${member.id} leads and does not reach the queue`, { reason: reasonOf(error) });
      }
      await clock.sleep(isBusy ? BUSY_MS : IDLE_MS, stopping.signal).catch(() => {});
    }
  }

  const running = run();
  return {
    progress: () => seen,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
