import { emptyDocument, type Known } from './document.ts';
import type { Document } from './store.ts';
import type { Consumer, Delivery } from '#shared/bus/bus.ts';
import type { JournalRecord, Result } from './entity.ts';
import type { Answer } from './context.ts';
import type { Message, Send } from '#shared/message.ts';

/** A delivery with the registration that may acknowledge it. */
export interface Receipt {
  readonly delivery: Delivery;
  readonly consumer: Consumer;
}

/** One thing that a key has to do next. */
export type Task =
  /** A message from the queue. */
  | {
      readonly kind: 'message';
      readonly message: Message;
      readonly receipt: Receipt;
      readonly receivedAt: number;
      attempts: number;
    }
  /** Parts of a wake: try the unsent again, the stash from its head on, the entity's own wake; then acknowledge it. */
  | { readonly kind: 'resend' }
  | { readonly kind: 'stashed'; readonly message: Message; attempts: number }
  | { readonly kind: 'own-wake'; readonly message: Message; attempts: number }
  | { readonly kind: 'wake-done'; readonly wake: Extract<Task, { kind: 'message' }> }
  /** Sends that the broker refused after the commit that caused them: written down, then their cause is acknowledged. */
  | {
      readonly kind: 'refused-sends';
      readonly sends: readonly { readonly send: Send; readonly reason: string }[];
      readonly receipt?: Receipt;
    };

/** What remains to be done for a task once the document is committed: publish, append, then acknowledge. */
export interface Settling {
  readonly key: string;
  /** The handled id to which the sends belong. */
  readonly id?: string;
  readonly sends: readonly Send[];
  readonly journal: readonly JournalRecord[];
  readonly receipt?: Receipt;
  /** See `waits.ts`. */
  readonly waitsSince?: number | undefined;
  /** The task to put back when the commit is lost. */
  readonly task: Task;
}

/** Applied, not yet committed. */
export interface Staged<State> {
  readonly over: number;
  readonly startedAt: number;
  document: Document<State>;
  readonly settling: Settling[];
}

export type Outcome<State> =
  | { readonly ok: true; readonly result: Result<State>; readonly answer: Answer | undefined }
  | { readonly ok: false; readonly error: unknown };

/** What came of a task: it is finished, or its mailbox waits for something that will pump it again. */
export type Step = 'done' | 'wait';

/** The sequential mailbox of one key. At most one of `running`, `retry` holds its head. */
export interface Mailbox<State> {
  readonly key: string;
  /** The channel that brought its messages; the document may be used only while that lives. */
  channel: number;
  /** As committed; `undefined`: must be loaded. */
  document: Document<State> | undefined;
  tasks: Task[];
  staged: Staged<State> | undefined;
  committing: boolean;
  /** When the latest run began, epoch ms. */
  startedAt: number;
  running: boolean;
  /** Set while the head waits for its next try. */
  retry: (() => void) | undefined;
  /** How the head goes on, now that what it waited for has happened; taken up as soon as nothing is being committed. */
  resumed: (() => Step) | undefined;
  /** Changes whenever what was in memory became worthless; late results of an older one are discarded. */
  generation: number;
  /** Journal records that came with the loaded document: perhaps not in the journal yet. */
  unflushed: readonly JournalRecord[];
  known: Known & { readonly confirmed: Set<string>; readonly appended: Set<string> };
}

export function createMailbox<State>(key: string, channel: number): Mailbox<State> {
  return {
    key,
    channel,
    document: undefined,
    tasks: [],
    staged: undefined,
    committing: false,
    startedAt: 0,
    running: false,
    retry: undefined,
    resumed: undefined,
    generation: 0,
    unflushed: [],
    known: { confirmed: new Set(), appended: new Set() },
  };
}

/** The document that the next task is applied to. */
export function current<State>(box: Mailbox<State>): Document<State> {
  return box.staged?.document ?? box.document ?? emptyDocument(box.key);
}

/** Puts `document` in line for the next commit, with what follows from it. */
export function stage<State>(box: Mailbox<State>, document: Document<State>, settling: readonly Settling[]): void {
  if (box.staged === undefined) {
    box.staged = { over: box.document?.version ?? 0, startedAt: box.startedAt, document, settling: [...settling] };
  } else {
    box.staged.document = document;
    box.staged.settling.push(...settling);
  }
}

/** Forgets everything that was only in memory; tasks that came from the queue stand in line again, in their old order. */
export function reset<State>(box: Mailbox<State>, undone: readonly Settling[]): void {
  box.generation += 1;
  box.document = undefined;
  box.staged = undefined;
  box.committing = false;
  box.running = false;
  box.resumed = undefined;
  box.retry?.();
  box.retry = undefined;
  box.unflushed = [];
  box.known.confirmed.clear();
  box.known.appended.clear();
  box.tasks = [...undone.map((one) => one.task), ...box.tasks].flatMap(restored);
}

function restored(task: Task): Task[] {
  switch (task.kind) {
    case 'message':
      return [task];
    case 'wake-done':
      return [task.wake];
    case 'refused-sends':
      return [task];
    case 'resend':
    case 'stashed':
    case 'own-wake':
      return [];
  }
}

/** Puts a task in front of all that has not begun. */
export function putNext<State>(box: Mailbox<State>, ...tasks: Task[]): void {
  const begun = box.running || box.resumed !== undefined || box.retry !== undefined ? 1 : 0;
  box.tasks.splice(begun, 0, ...tasks);
}

/** Nothing under way and nothing in line: the mailbox may be dropped. */
export function idle<State>(box: Mailbox<State>): boolean {
  return (
    box.tasks.length === 0 && box.staged === undefined && !box.committing && !box.running && box.resumed === undefined
  );
}
