import type { Consumers } from './consumers.ts';
import type { CommittedRuns, EngineMeter } from './engine.ts';
import { putNext, reset, type Mailbox, type Settling, type Staged } from './mailbox.ts';
import type { Mailboxes } from './mailboxes.ts';
import type { Outbox } from './outbox.ts';
import type { EntityStore } from './store.ts';
import type { Waits } from './waits.ts';
import { backoffMs } from '#shared/backoff.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

export interface Committer<State> {
  /** Takes the mailbox into the next turn. */
  add(box: Mailbox<State>): void;
  /** Does what follows from a task that changed no document, or whose change is committed. */
  settle(settling: Settling, channel: number): void;
  /** Something is being written, or what follows from it (from what this channel brought) is under way. */
  busy(channel?: number): boolean;
}

const STORE_BACKOFF = { baseMs: 50, capMs: 2000 };

/**
 * Commits in turns: everything that is staged goes into one bulk write; while it runs the next turn gathers. What a
 * committed document caused is published and confirmed next to the following turns, and acknowledged after that.
 */
export function createCommitter<State>(options: {
  readonly store: EntityStore<State>;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly log: Log;
  readonly consumers: Consumers;
  readonly meter: EngineMeter;
  readonly history?: ((commit: CommittedRuns) => void) | undefined;
  readonly mailboxes: Mailboxes<State>;
  readonly waits: Waits;
  readonly pump: (box: Mailbox<State>) => void;
}): Committer<State> {
  const { store, outbox, clock, log, consumers, meter, history, mailboxes, waits, pump } = options;
  let waiting = new Set<Mailbox<State>>();
  let writing = false;
  /** By channel, how many settlings are under way. */
  const settlingNow = new Map<number, number>();
  let failures = 0;

  function add(box: Mailbox<State>): void {
    if (waiting.size === 0 && !writing) clock.soon(() => void turn());
    waiting.add(box);
  }

  async function turn(): Promise<void> {
    if (writing) return;
    writing = true;
    const batch = [...waiting].flatMap((box) => (box.staged === undefined ? [] : [take(box, box.staged)]));
    waiting = new Set();
    try {
      if (batch.length > 0) await commit(batch);
    } finally {
      writing = false;
      if (waiting.size > 0) clock.soon(() => void turn());
    }
  }

  function take(box: Mailbox<State>, staged: Staged<State>) {
    box.staged = undefined;
    box.committing = true;
    return { box, staged, generation: box.generation, channel: box.channel };
  }

  async function commit(batch: readonly ReturnType<typeof take>[]): Promise<void> {
    let lost: ReadonlySet<string>;
    let refused: ReadonlyMap<string, string> = new Map();
    let known = true;
    try {
      ({ lost, refused } = await store.commit(batch.map(({ staged }) => staged)));
      failures = 0;
    } catch (error) {
      failures += 1;
      log.warn('a commit did not succeed: reloading what it held', {
        documents: batch.length,
        reason: reasonOf(error),
      });
      await clock.sleep(backoffMs(STORE_BACKOFF, failures, clock.random));
      known = false;
      lost = new Set(batch.map(({ box }) => box.key));
    }
    meter.committed(batch.length, lost.size);
    const committedAt = clock.now();
    for (const { box, staged, generation, channel } of batch) {
      history?.(
        runsOf(
          staged,
          committedAt,
          known ? (lost.has(box.key) || refused.has(box.key) ? 'lost' : 'committed') : 'unknown',
        ),
      );
      if (box.generation !== generation) continue;
      box.committing = false;
      const reason = refused.get(box.key);
      if (reason !== undefined) {
        log.error('the database refuses a document: its key waits', { key: box.key, reason });
        reset(box, staged.settling);
        box.retry = clock.after(STORE_BACKOFF.capMs, () => {
          box.retry = undefined;
          pump(box);
        });
      } else if (lost.has(box.key)) {
        reset(box, staged.settling);
      } else {
        box.document = staged.document;
        for (const settling of staged.settling) {
          waits.ended(settling, committedAt);
          settle(settling, channel);
        }
      }
      pump(box);
    }
  }

  function settle(settling: Settling, channel: number): void {
    const { receipt } = settling;
    if (settling.sends.length === 0 && settling.journal.length === 0) {
      if (receipt !== undefined) consumers.ack(receipt);
      return;
    }
    settlingNow.set(channel, (settlingNow.get(channel) ?? 0) + 1);
    void finish(settling, channel).finally(() => {
      const left = (settlingNow.get(channel) ?? 1) - 1;
      if (left === 0) settlingNow.delete(channel);
      else settlingNow.set(channel, left);
    });
  }

  async function finish(settling: Settling, channel: number): Promise<void> {
    const { key, id, journal, receipt } = settling;
    const refused = await outbox.settle(settling, () => consumers.alive(channel));
    if (refused === undefined || !consumers.alive(channel)) return;
    if (refused.length > 0) {
      const box = mailboxes.open(key, channel);
      putNext(box, { kind: 'refused-sends', sends: refused, ...(receipt === undefined ? {} : { receipt }) });
      pump(box);
      return;
    }
    const known = mailboxes.peek(key)?.known;
    if (id !== undefined) known?.confirmed.add(id);
    for (const { id: record } of journal) if (!outbox.conflicting.has(record)) known?.appended.add(record);
    if (receipt !== undefined) consumers.ack(receipt);
  }

  return {
    add,
    settle,
    busy: (channel) =>
      channel === undefined ? writing || waiting.size > 0 || settlingNow.size > 0 : settlingNow.has(channel),
  };
}

function runsOf<State>(staged: Staged<State>, committedAt: number, outcome: CommittedRuns['outcome']): CommittedRuns {
  const { over, startedAt, document, settling } = staged;
  const messages = settling.flatMap(({ id, task }) =>
    id !== undefined && 'message' in task ? [{ id, type: task.message.type }] : [],
  );
  return { key: document.key, over, version: document.version, messages, startedAt, committedAt, outcome };
}
