import type { Consumers } from './consumers.ts';
import { bytesOf, spilled } from './document.ts';
import type { Limits } from './limits.ts';
import {
  forgetLookUp,
  hold,
  putNext,
  reset,
  written,
  type Mailbox,
  type Receipt,
  type Settling,
  type Staged,
  type Writing,
} from './mailbox.ts';
import type { Mailboxes } from './mailboxes.ts';
import type { CommittedRuns, EngineMeter } from './options.ts';
import type { Outbox } from './outbox.ts';
import type { CommitOutcome, EntityStore, Handled } from './store.ts';
import { stashLimit } from './verdict.ts';
import type { Waits } from './waits.ts';
import { backoffMs } from '#shared/backoff.ts';
import type { Packet } from '#shared/bus/bus.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import { insist } from '#shared/insist.ts';
import type { Log } from '#shared/log.ts';

export interface Committer<State> {
  /** Takes the mailbox into the next turn. */
  add(box: Mailbox<State>): void;
  /** Does what follows from a task that changed no document, or whose change is committed. */
  settle(settling: Settling, channel: number): void;
  /** A packet that is no message becomes a dead letter, then it is acknowledged. */
  bury(packet: Packet, reason: string, receipt: Receipt): void;
  /** Something is being written, or what follows from it (from what this channel brought) is under way. */
  busy(channel?: number): boolean;
  /** Since when the oldest of what follows is under way, epoch ms. */
  settlingSince(): number;
}

const STORE_BACKOFF = { baseMs: 50, capMs: 2000 };
/** Ids that stay in a document that is nearly too large, if they take no more than this part of what it may have. */
const FEW_IDS = 10;
const FEW_IDS_PART = 1 / 8;

/**
 * Commits in turns: everything that is staged goes into one bulk write; while it runs the next turn gathers. What a
 * committed document caused is published and confirmed next to the following turns, and acknowledged after that.
 */
export function createCommitter<State>(options: {
  readonly store: EntityStore<State>;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Limits;
  readonly consumers: Consumers;
  readonly meter: EngineMeter;
  readonly history?: ((commit: CommittedRuns) => void) | undefined;
  readonly mailboxes: Mailboxes<State>;
  readonly waits: Waits;
  readonly pump: (box: Mailbox<State>) => void;
}): Committer<State> {
  const { store, outbox, clock, log, limits, consumers, meter, history, mailboxes, waits, pump } = options;
  let waiting = new Set<Mailbox<State>>();
  let isWriting = false;
  /** What is being published; the oldest first. */
  const settlingNow = new Set<{ readonly channel: number; readonly since: number }>();
  let failures = 0;

  function add(box: Mailbox<State>): void {
    if (waiting.size === 0 && !isWriting) clock.soon(() => void turn());
    waiting.add(box);
  }

  async function turn(): Promise<void> {
    if (isWriting) return;
    isWriting = true;
    const batch = [...waiting].flatMap(take);
    waiting = new Set();
    try {
      if (batch.length > 0) await commit(batch);
    } finally {
      isWriting = false;
      if (waiting.size > 0) clock.soon(() => void turn());
    }
  }

  function take(box: Mailbox<State>) {
    // One that was dropped with its channel writes nothing: its deliveries are somebody else's.
    if (box.writing.is !== 'staged' || mailboxes.peek(box.key) !== box) return [];
    const { staged } = box.writing;
    const isLarge = box.bytes > stashLimit(limits);
    const { handled } = staged.document;
    const few = isLarge ? fewOf(handled, limits.maxDocumentBytes * FEW_IDS_PART) : 0;
    if (box.document !== undefined && handled.length > (isLarge ? few : limits.handledIds)) {
      const keep = isLarge ? few : Math.ceil(limits.handledIds / 2);
      const { document, records } = spilled(staged.document, box.document, keep, clock.now(), limits);
      staged.document = document;
      box.bytes = box.measured = bytesOf(document);
      if (records.length > 0) {
        void remember(box, staged, records);
        return [];
      }
    }
    const writing: Writing<State> = { is: 'writing', staged };
    box.writing = writing;
    return [{ box, staged, writing, channel: box.channel }];
  }

  /** Ids that leave a document are remembered outside before; this key's write waits for that, the others' do not. */
  async function remember(
    box: Mailbox<State>,
    staged: Staged<State>,
    records: ReturnType<typeof spilled>['records'],
  ): Promise<void> {
    const writing: Writing<State> = { is: 'remembering', staged };
    box.writing = writing;
    const isWanted = (): boolean => box.writing === writing;
    const warning = 'ids cannot be remembered, still trying';
    await insist(options, { warning, fields: { key: box.key }, backoff: STORE_BACKOFF, isWanted }, async () => {
      await store.remember(records);
    });
    if (!isWanted()) return;
    for (const task of box.tasks) forgetLookUp(task);
    box.writing = { is: 'staged', staged };
    add(box);
  }

  async function commit(batch: ReturnType<typeof take>): Promise<void> {
    let outcome: CommitOutcome | undefined;
    try {
      outcome = await store.commit(batch.map(({ staged }) => staged));
      failures = 0;
    } catch (error) {
      failures += 1;
      log.warn('a commit did not succeed: reloading what it held', {
        documents: batch.length,
        reason: reasonOf(error),
      });
      await clock.sleep(backoffMs(STORE_BACKOFF, failures, clock.random));
    }
    meter.committed(batch.length, outcome?.lost.size ?? batch.length);
    const committedAt = clock.now();
    for (const { box, staged, writing, channel } of batch) {
      const refusal = outcome?.refused.get(box.key);
      const isLost = outcome === undefined || outcome.lost.has(box.key) || refusal !== undefined;
      history?.(runsOf(staged, committedAt, outcome === undefined ? 'unknown' : isLost ? 'lost' : 'committed'));
      if (box.writing !== writing) continue;
      if (refusal !== undefined) refuse(box, staged, refusal);
      else if (isLost) reset(box, staged.settling);
      else settleAll(box, staged, channel, committedAt);
      pump(box);
    }
  }

  function settleAll(
    box: Mailbox<State>,
    { document, settling }: Staged<State>,
    channel: number,
    committedAt: number,
  ): void {
    written(box, document);
    box.perWrite = Infinity;
    box.progressAt = committedAt;
    for (const one of settling) {
      waits.ended(one, committedAt);
      settle(one, channel);
    }
  }

  /** The document is to blame for itself: its messages are written one by one until the one is found that leads to it; that has failed. */
  function refuse(box: Mailbox<State>, { settling }: Staged<State>, reason: string): void {
    log.error('the database refuses a document', { key: box.key, reason });
    reset(box, settling);
    box.perWrite = 1;
    box.bytes = 0;
    const [only] = settling;
    if (only === undefined || settling.length > 1) return;
    const { ran, task } = only;
    if (task.kind === 'detached') task.outcome = { ok: false, error: new Error(reason) };
    else if (task.kind === 'message' || task.kind === 'wake') task.refused = { what: ran?.what ?? 'message', reason };
    else hold(box, STORE_BACKOFF.capMs, clock, pump);
  }

  function settle(settling: Settling, of: number): void {
    const { receipt, sends, journal } = settling;
    const channel = receipt?.delivery.channel ?? of; // a key's messages may come by two
    if (sends.length > 0 || journal.length > 0) track(channel, finish(settling, channel));
    else if (receipt !== undefined) consumers.ack(receipt);
  }

  function track(channel: number, work: Promise<void>): void {
    const underWay = { channel, since: clock.now() };
    settlingNow.add(underWay);
    void work.finally(() => settlingNow.delete(underWay));
  }

  async function finish(settling: Settling, channel: number): Promise<void> {
    const { key, ran, journal, receipt } = settling;
    const refused = await outbox.settle(settling, () => consumers.alive(channel));
    if (refused === undefined || !consumers.alive(channel)) return;
    if (refused.length > 0) {
      const box = mailboxes.open(key, channel);
      putNext(box, { kind: 'unsent', sends: refused, ...(receipt === undefined ? {} : { receipt }) });
      pump(box);
      return;
    }
    const known = mailboxes.peek(key)?.known;
    if (ran !== undefined) known?.confirmed.add(ran.id);
    for (const { id } of journal) if (!outbox.conflicting.has(id)) known?.appended.add(id);
    if (receipt !== undefined) consumers.ack(receipt);
  }

  return {
    add,
    settle,
    bury(packet, reason, receipt) {
      const { channel } = receipt.delivery;
      const buried = outbox.bury(packet, reason, 1, () => consumers.alive(channel));
      track(
        channel,
        buried.then((done) => {
          if (done) consumers.ack(receipt);
        }),
      );
    },
    busy: (channel) =>
      channel === undefined
        ? isWriting || waiting.size > 0 || settlingNow.size > 0
        : [...settlingNow].some((one) => one.channel === channel),
    settlingSince: () => settlingNow.values().next().value?.since ?? Infinity,
  };
}

/** How many of the newest ids, with what they were answered, fit. */
function fewOf(handled: readonly Handled[], maxBytes: number): number {
  let bytes = 0;
  const newest = handled.slice(-FEW_IDS);
  return newest.length - 1 - newest.findLastIndex((one) => (bytes += bytesOf(one)) > maxBytes);
}

function runsOf<State>(staged: Staged<State>, committedAt: number, outcome: CommittedRuns['outcome']): CommittedRuns {
  const { over, startedAt, document, settling } = staged;
  const messages = settling.flatMap(({ ran }) => (ran === undefined ? [] : [{ id: ran.id, type: ran.type }]));
  return { key: document.key, over, version: document.version, messages, startedAt, committedAt, outcome };
}
