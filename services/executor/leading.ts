import { comeOn, due, withAsked, type Asked } from './asked.ts';
import type { Member } from './member.ts';
import { lastSeqOf, type QueueItem } from './raft/log.ts';
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
  /** More counts than before: what is due is asked for at once. */
  counted(): void;
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

/** How often the queue is looked at while there is something to do, and while there is not. */
const BUSY_MS = 25;
const IDLE_MS = 150;

/**
 * The work of an executor that leads: takes into its log what stands in the queue, and has executed what counts, in order. It does not
 * wait for what comes of one command before it sends the next. One that does not lead does nothing.
 */
export function createLeading({ member, queue, clock, log }: LeadingOptions): Leading {
  const stopping = new AbortController();
  let asked: Asked | undefined;
  let seen: Progress | undefined;
  let failures = 0;
  /** Since it last began to ask for what is due. */
  let hasCounted = false;
  let wake = (): void => {};

  async function handOut(): Promise<void> {
    for (;;) {
      const state = member.state();
      if (state === undefined) return;
      const now = clock.elapsed();
      asked = comeOn(asked, state, now);
      const items = due(asked, state, now);
      if (items === undefined) return;
      const before = asked;
      asked = withAsked(before, state, items, now);
      try {
        await queue.execute(state.term, member.id, items);
      } catch (error) {
        asked = before;
        throw error;
      }
    }
  }

  /** Tells whether there may be more to do soon. */
  async function look(): Promise<boolean> {
    seen = await queue.progress();
    const state = member.state();
    if (state?.role.kind !== 'leader') return false;
    const { queued, executed } = seen;
    if (executed > state.executed) member.executed(executed);
    const last = lastSeqOf(state.log);
    if (queued > last && last < executed + LIMITS.window) member.take(await queue.after(last, LIMITS.batch));
    return queued > executed;
  }

  /** Nothing is looked at before what is due is asked for. Tells when the queue is to be looked at next. */
  async function once(lookAt: number): Promise<number> {
    if (member.state()?.role.kind !== 'leader') {
      seen = undefined;
      return clock.elapsed() + IDLE_MS;
    }
    await handOut();
    if (clock.elapsed() < lookAt) return lookAt;
    const isBusy = await look();
    return clock.elapsed() + (isBusy ? BUSY_MS : IDLE_MS);
  }

  async function run(): Promise<void> {
    let lookAt = 0;
    while (!stopping.signal.aborted) {
      hasCounted = false;
      try {
        lookAt = await once(lookAt);
        failures = 0;
      } catch (error) {
        lookAt = clock.elapsed() + IDLE_MS;
        failures += 1;
        if (failures === 10) log.warn(`${member.id} leads and does not reach the queue`, { reason: reasonOf(error) });
      }
      await woken(lookAt - clock.elapsed());
    }
  }

  /** Resolves after so long, at once when more counts. */
  function woken(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (hasCounted || stopping.signal.aborted) return resolve();
      const cancel = clock.after(Math.max(0, ms), resolve);
      wake = () => {
        cancel();
        resolve();
      };
    });
  }

  const running = run();
  return {
    progress: () => seen,
    counted() {
      hasCounted = true;
      wake();
    },
    async stop() {
      stopping.abort();
      wake();
      await running;
    },
  };
}
