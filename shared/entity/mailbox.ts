import { emptyDocument, type Acknowledged } from './document.ts';
import type { JournalRecord } from './entity.ts';
import type { HandlerOutcome } from './handlers.ts';
import type { Document, Handled } from './store.ts';
import type { Receipt } from '#shared/bus/registrations.ts';
import type { Clock } from '#shared/clock.ts';
import type { Message, Send } from '#shared/message.ts';

/** A message that runs or ran, with what its key knows of it. */
export interface Run {
  /** A message from the queue, one from the stash, or the entity's own wake. */
  readonly what: 'message' | 'stashed' | 'own wake';
  readonly message: Message;
  /** Those before this one. */
  readonly attempts: number;
  /** When it came. */
  readonly since: number;
  readonly unread: boolean;
}

/** A message from the queue; a wake is one. */
export interface MessageTask {
  readonly kind: 'message' | 'wake';
  readonly message: Message;
  readonly receipt: Receipt;
  readonly queue: string;
  readonly receivedAt: number;
  readonly bytes: number;
  /** Its type has no handler here, so that its body could not be read yet. */
  readonly unread: boolean;
  attempts: number;
  remembered: Handled | 'nothing' | undefined;
  /** Why the database refused the document that it led to. */
  refused: string | undefined;
  /** The document was read for it: for a wake, or since its deadline. */
  hasRead: boolean;
}

/** A send that the broker returned or nacked. */
export interface RefusedSend {
  readonly send: Send;
  readonly reason: string;
}

/** Sends that the broker refused after the commit that caused them: written down, then their cause is acknowledged. */
export interface UnsentTask {
  readonly kind: 'unsent';
  readonly sends: readonly RefusedSend[];
  readonly receipt?: Receipt;
}

/** How a long effect ended that went on without its delivery; its message is the head of the stash as long as the lease is its own. */
export interface DetachedTask {
  readonly kind: 'detached';
  readonly message: Message;
  readonly leasedUntil: number;
  outcome: HandlerOutcome<unknown>;
}

/** One thing that a key has to do next. */
export type Task = MessageTask | UnsentTask | DetachedTask | { readonly kind: 'send again' };

/** What remains to be done for a task once the document is committed: publish, append, then acknowledge. */
export interface Settling {
  readonly key: string;
  /** The handler run that it follows from, if it does; to its id the sends belong. */
  readonly ran?: { readonly id: string; readonly type: string } | undefined;
  readonly sends: readonly Send[];
  readonly journal: readonly JournalRecord[];
  readonly receipt?: Receipt | undefined;
  /** See `watch.ts`. */
  readonly waitsSince?: number | undefined;
  /** The task to put back when the commit is lost. */
  readonly task: Task;
}

/** Changes of a document that are not written yet, with what follows from them. */
export interface Staged<State> {
  /** The version that they are based on. */
  readonly over: number;
  readonly startedAt: number;
  document: Document<State>;
  readonly settling: Settling[];
}

/** What the head of the line waits for. Late results are known by the object: that of another state is discarded. */
export type Head =
  /** Nothing: it may take its next step. */
  | { readonly is: 'free' }
  /** Its document, or that what is staged is written. */
  | { readonly is: 'loading' | 'unwritten' }
  /** A handler, a publish or a look-up is at work for it. */
  | { readonly is: 'running' }
  /** That ended, and is taken up as soon as nothing is being written. */
  | { readonly is: 'ended'; readonly goOn: () => void }
  /** Its next try, at this time. */
  | { readonly is: 'waiting'; readonly until: number; readonly cancel: () => void }
  /** A slot for its handler. */
  | { readonly is: 'queued' }
  /** Room in its document: it is looked at again whenever something happens. */
  | { readonly is: 'full'; readonly cancel: () => void };

/** What of the document is on its way to the store. Independent of the head: a message may run while those before it are written. */
export type Writing<State> =
  | { readonly is: 'nothing' }
  | { readonly is: 'staged'; readonly staged: Staged<State> }
  /** Ids that are to leave the document are being remembered outside, or the document is being written. */
  | { readonly is: 'remembering' | 'writing'; readonly staged: Staged<State> };

/** The sequential mailbox of one key. */
export interface Mailbox<State> {
  readonly key: string;
  /** The channel that brought its messages; the document may be used only while that lives. */
  channel: number;
  /** As committed; `undefined`: must be loaded. */
  document: Document<State> | undefined;
  /** Estimated bytes of the document with what is staged, and when it was last measured. */
  bytes: number;
  measured: number;
  tasks: Task[];
  head: Head;
  writing: Writing<State>;
  /** Messages that one write may carry: one, after a document was refused, until the culprit is found. */
  perWrite: number;
  /** When a task was last finished, or the first one came, epoch ms. */
  progressAt: number;
  /** When the latest run began, epoch ms. */
  startedAt: number;
  /** Journal records that came with the loaded document: perhaps not in the journal yet. */
  unflushed: readonly JournalRecord[];
  /** What was looked up in the journal; `undefined`: it was not there, and nothing has left the document for it since. */
  readonly recalled: Map<string, JournalRecord | undefined>;
  known: Acknowledged & { readonly confirmed: Set<string>; readonly appended: Set<string> };
}

const FREE = { is: 'free' } as const;
const NOTHING = { is: 'nothing' } as const;

export function createMailbox<State>(key: string, channel: number, now: number): Mailbox<State> {
  return {
    key,
    channel,
    document: undefined,
    bytes: 0,
    measured: 0,
    tasks: [],
    head: FREE,
    writing: NOTHING,
    perWrite: Infinity,
    progressAt: now,
    startedAt: 0,
    unflushed: [],
    recalled: new Map(),
    known: { confirmed: new Set(), appended: new Set() },
  };
}

/** The document that the next task is applied to. */
export function current<State>({ writing, document, key }: Mailbox<State>): Document<State> {
  return writing.is === 'nothing' ? (document ?? emptyDocument(key)) : writing.staged.document;
}

/** Puts `document` in line for the next write, with what follows from it. Not while another is being written. */
export function stage<State>(box: Mailbox<State>, document: Document<State>, settling: readonly Settling[]): void {
  if (box.writing.is === 'nothing') {
    const over = box.document?.version ?? 0;
    box.writing = { is: 'staged', staged: { over, startedAt: box.startedAt, document, settling: [...settling] } };
  } else {
    box.writing.staged.document = document;
    box.writing.staged.settling.push(...settling);
  }
}

/** Nothing of it may be changed at present. */
export function isBeingWritten<State>({ writing }: Mailbox<State>): boolean {
  return writing.is === 'writing' || writing.is === 'remembering';
}

/** The head goes on; what it waited for before is forgotten. */
export function release<State>(box: Mailbox<State>): void {
  if (box.head.is === 'waiting' || box.head.is === 'full') box.head.cancel();
  box.head = FREE;
}

/** The head waits so long for its next try. */
export function hold<State>(
  box: Mailbox<State>,
  waitMs: number,
  clock: Pick<Clock, 'now' | 'after'>,
  pump: (box: Mailbox<State>) => void,
): void {
  const cancel = clock.after(waitMs, () => {
    release(box);
    pump(box);
  });
  box.head = { is: 'waiting', until: clock.now() + waitMs, cancel };
}

/** Holds the head until `work` tells how it goes on; what comes of it is forgotten when the mailbox has another head by then. */
export function later<State>(
  box: Mailbox<State>,
  pump: (box: Mailbox<State>) => void,
  work: (isWanted: () => boolean) => Promise<() => void>,
): Head {
  const head: Head = { is: 'running' };
  box.head = head;
  const isWanted = (): boolean => box.head === head;
  void work(isWanted).then((goOn) => {
    if (!isWanted()) return;
    box.head = { is: 'ended', goOn };
    pump(box);
  });
  return head;
}

/** What follows from a task; records that came with the loaded document go along. */
export function settlingOf<State>(box: Mailbox<State>, task: Task, sends: readonly Send[] = []): Settling {
  const journal = box.unflushed;
  box.unflushed = [];
  return { key: box.key, sends, journal, task, receipt: 'receipt' in task ? task.receipt : undefined };
}

/** What was on its way is written. */
export function written<State>(box: Mailbox<State>, document: Document<State>): void {
  box.document = document;
  box.writing = NOTHING;
}

/** Forgets everything that was only in memory; tasks that came from the queue stand in line again, in their old order. */
export function reset<State>(box: Mailbox<State>): void {
  const undone = box.writing.is === 'nothing' ? [] : box.writing.staged.settling;
  release(box);
  box.document = undefined;
  box.writing = NOTHING;
  box.unflushed = [];
  for (const learned of [box.recalled, box.known.confirmed, box.known.appended]) learned.clear();
  const tasks = new Set([...undone.map((one) => one.task), ...box.tasks]);
  box.tasks = [...tasks].filter(({ kind }) => kind !== 'send again');
  for (const task of box.tasks) forgetLookUp(task);
}

export function forgetLookUp(task: Task): void {
  if (task.kind === 'message') task.remembered = undefined;
}

/** Puts a task in front of all that has not begun. */
export function putNext<State>(box: Mailbox<State>, task: Task): void {
  const begun = box.head.is === 'running' || box.head.is === 'ended' || box.head.is === 'waiting' ? 1 : 0;
  box.tasks.splice(begun, 0, task);
}
