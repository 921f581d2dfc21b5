import { bytesOf, spilled, withTimes } from './document.ts';
import type { Keys } from './keys.ts';
import {
  forgetLookUp,
  hold,
  reset,
  settlingOf,
  stage,
  written,
  type Mailbox,
  type Settling,
  type Staged,
  type Task,
  type Writing,
} from './mailbox.ts';
import type { CommittedRuns, EngineMeter, EngineOptions } from './options.ts';
import type { Outbox } from './outbox.ts';
import type { CommitOutcome, Document, Handled } from './store.ts';
import { stashLimit } from './verdict.ts';
import type { Waits } from './watch.ts';
import { backoffMs } from '#shared/backoff.ts';
import { reasonOf } from '#shared/errors.ts';
import { insist } from '#shared/insist.ts';

/** How each step of a key ends that needs no more waiting: its document is changed, or nothing is. */
export interface Committer<State> {
  /** The document is to be written like this, and `settling` follows from it; the first `finished` tasks end with it. */
  change(box: Mailbox<State>, document: Document<State>, settling: readonly Settling[], finished?: number): void;
  /**
   * The stash or the unsent are to be written like this, for a wake, which goes on, or for a long effect that ended. Their deliveries
   * were acknowledged before, so that nothing is acknowledged with this.
   */
  changeHeld(box: Mailbox<State>, task: Task, document: Document<State>, settling?: Settling): void;
  /** The head is finished and changes nothing; what follows from it waits for what was staged before it. */
  finish(box: Mailbox<State>, settling: Settling): void;
  /** Takes what the mailbox has staged into the next turn. */
  add(box: Mailbox<State>): void;
  /** Something is being written, or is to be. */
  busy(): boolean;
}

const STORE_BACKOFF = { baseMs: 50, capMs: 2000 };
/** Ids that stay in a document that is nearly too large, if they take no more than this part of what it may have. */
const FEW_IDS = 10;
const FEW_IDS_PART = 1 / 8;

/**
 * Commits in turns: everything that is staged goes into one bulk write; while it runs the next turn gathers. What a
 * committed document caused is published and confirmed next to the following turns, and acknowledged after that.
 */
export function createCommitter<State>(
  options: Pick<EngineOptions<State>, 'entity' | 'store' | 'clock' | 'log' | 'limits' | 'history'> & {
    readonly meter: EngineMeter;
    readonly keys: Keys<State>;
    readonly outbox: Outbox;
    readonly waits: Waits;
    readonly pump: (box: Mailbox<State>) => void;
  },
): Committer<State> {
  const { entity, store, clock, log, limits, history, meter, keys, outbox, waits, pump } = options;
  let waiting = new Set<Mailbox<State>>();
  let isWriting = false;
  let failures = 0;

  function change(
    box: Mailbox<State>,
    document: Document<State>,
    settling: readonly Settling[],
    finished = settling.length,
  ): void {
    stage(box, withTimes(document, entity, clock.now()), settling);
    box.tasks.splice(0, finished);
  }

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
    if (box.writing.is !== 'staged' || keys.peek(box.key) !== box) return [];
    const { staged } = box.writing;
    const keep = idsToKeep(box, staged.document);
    if (box.document !== undefined && keep !== undefined) {
      const { document, records } = spilled(staged.document, box.document, keep, clock.now(), limits);
      staged.document = document;
      keys.weigh(box, (box.measured = bytesOf(document)));
      if (records.length > 0) {
        void remember(box, staged, records);
        return [];
      }
    }
    const writing: Writing<State> = { is: 'writing', staged };
    box.writing = writing;
    return [{ box, staged, writing, channel: box.channel }];
  }

  /** How many handled ids stay in a document that has too many, or no room for them. */
  function idsToKeep({ bytes }: Mailbox<State>, { handled }: Document<State>): number | undefined {
    if (bytes <= stashLimit(limits))
      return handled.length > limits.handledIds ? Math.ceil(limits.handledIds / 2) : undefined;
    const few = fewOf(handled, limits.maxDocumentBytes * FEW_IDS_PART);
    return handled.length > few ? few : undefined;
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

  /** Not `insist`: after a failure the documents are reloaded, and what is written next may be something else; only the pause grows. */
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
      else if (isLost) reset(box);
      else settle(box, staged, channel, committedAt);
      pump(box);
    }
  }

  function settle(
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
      outbox.settle(one, channel);
    }
  }

  /** The document is to blame for itself: its messages are written one by one until the one is found that leads to it; that has failed. */
  function refuse(box: Mailbox<State>, { settling }: Staged<State>, reason: string): void {
    log.error('the database refuses a document', { key: box.key, reason });
    reset(box);
    box.perWrite = 1;
    keys.weigh(box, 0);
    const [only] = settling;
    if (only === undefined || settling.length > 1) return;
    const { task } = only;
    if (task.kind === 'detached') task.outcome = { ok: false, error: new Error(reason) };
    else if (task.kind === 'message' || task.kind === 'wake') task.refused = reason;
    else hold(box, STORE_BACKOFF.capMs, clock, pump);
  }

  return {
    add,
    change,
    changeHeld(box, task, document, settling = settlingOf(box, task)) {
      change(box, document, [{ ...settling, receipt: undefined }], task.kind === 'detached' ? 1 : 0);
    },
    finish(box, settling) {
      box.tasks.shift();
      box.progressAt = clock.now();
      if (box.writing.is === 'nothing') outbox.settle(settling, box.channel);
      else box.writing.staged.settling.push(settling);
    },
    busy: () => isWriting || waiting.size > 0,
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
