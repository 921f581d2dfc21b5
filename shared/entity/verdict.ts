import { ownDueAt } from './document.ts';
import type { Entity } from './entity.ts';
import type { Limits } from './options.ts';
import type { Document, Handled } from './store.ts';
import { WAKE, type Message } from '#shared/message.ts';

/** What a verdict looks at of a message that stands at the head of its key's line. */
export interface Subject {
  readonly message: Message;
  /** The partition queue by which it came. */
  readonly queue: string;
  /** Of its body and more, roughly. */
  readonly bytes: number;
  /** What is remembered outside the document about its id; absent: nobody looked yet. */
  readonly remembered?: Handled | 'nothing' | undefined;
}

/** What is known besides the document; all of it as of now. */
export interface Circumstances {
  readonly now: number;
  /** What the document takes, roughly. */
  readonly bytes: number;
  /** For so long older messages of a key may still be on their way by another queue, ms; none, or less: no more. */
  readonly settlesInMs: number;
  /** A handler of this message may take so long that it goes on without its delivery, and there is no room for one more. */
  readonly noRoom: boolean;
}

export type Verdict =
  /** It was applied: what it caused is caused again. */
  | { readonly is: 'duplicate'; readonly before: Handled }
  /** It waits in the stash already. */
  | { readonly is: 'stashed before' }
  /** Its id may be remembered outside the document. */
  | { readonly is: 'look it up' }
  /** It waits in the document, at the end of the stash or before those that came by another partition. */
  | { readonly is: 'stash'; readonly untilMs: number; readonly moved: boolean }
  /** The document has no room for one more: it stays where it is. */
  | { readonly is: 'no room' }
  | { readonly is: 'too late' }
  | { readonly is: 'not for this key' }
  | { readonly is: 'run' };

/** What becomes of a message at the head of its key's line: a pure function. */
export function verdict<State>(
  document: Document<State>,
  subject: Subject,
  limits: Limits,
  { now, bytes, settlesInMs, noRoom }: Circumstances,
): Verdict {
  const { message, queue, remembered } = subject;
  if (message.key !== document.key) return { is: 'not for this key' };
  const before = handledBefore(document, message.id, remembered);
  if (before !== undefined) return { is: 'duplicate', before };
  if (document.stash.some((one) => one.message.id === message.id)) return { is: 'stashed before' };
  if (remembered === undefined && hasSpilled(document, now)) return { is: 'look it up' };
  const isFull = document.stash.length >= limits.stashSize || bytes + subject.bytes > stashLimit(limits);
  const stash = (untilMs: number, moved = false): Verdict =>
    isFull ? { is: 'no room' } : { is: 'stash', untilMs, moved };
  const moved = document.partition !== undefined && document.partition !== queue;
  if (moved && settlesInMs > 0) return stash(now + settlesInMs, true);
  if (document.stash.some(({ movedTo }) => movedTo === undefined || movedTo === queue)) return stash(now, moved);
  if (isExpired(message, now)) return { is: 'too late' };
  if (document.unsent.length >= limits.unsentSize) return stash(now + limits.resend.capMs);
  if (noRoom) return stash(now + limits.effectMs);
  return { is: 'run' };
}

export type WakeVerdict =
  | { readonly is: 'duplicate'; readonly before: Handled }
  /** Sends that the broker refused are due. */
  | { readonly is: 'send again' }
  /** The head of the stash is due, and its deadline passed. */
  | { readonly is: 'too late'; readonly message: Message }
  /** The head of the stash came by another partition, and the old one may have older messages: clocks are not equal, it is woken too early. */
  | { readonly is: 'too early'; readonly untilMs: number }
  | { readonly is: 'run'; readonly what: 'stashed' | 'own wake'; readonly message: Message }
  /** Nothing more is due: the wake is acknowledged. */
  | { readonly is: 'done' };

/** What a woken key does next; asked again after each of its steps, until nothing more is due. */
export function wakeVerdict<State>(
  document: Document<State>,
  wake: Message,
  entity: Entity<State>,
  limits: Limits,
  { now, settlesInMs, noRoom }: Pick<Circumstances, 'now' | 'settlesInMs' | 'noRoom'>,
): WakeVerdict {
  const before = document.handled.find((one) => one.id === wake.id);
  if (before !== undefined) return { is: 'duplicate', before };
  if (document.unsent.some((one) => one.nextTryAt <= now)) return { is: 'send again' };
  const [head] = document.stash;
  if (head !== undefined && head.nextTryAt <= now && document.unsent.length < limits.unsentSize && !noRoom) {
    if (head.movedTo !== undefined && settlesInMs > 0) return { is: 'too early', untilMs: now + settlesInMs };
    if (isExpired(head.message, now)) return { is: 'too late', message: head.message };
    return { is: 'run', what: 'stashed', message: head.message };
  }
  // A handler that runs without its delivery decides on this state: nothing else may change it.
  const isLeased = head?.leasedUntil !== undefined && head.leasedUntil > now;
  if (isLeased || (ownDueAt(document, entity) ?? Infinity) > now) return { is: 'done' };
  const { traceparent } = document;
  return { is: 'run', what: 'own wake', message: traceparent === undefined ? wake : { ...wake, traceparent } };
}

/** A run that failed, or a document that could not be written. */
export interface Failure {
  readonly what: 'message' | 'stashed' | 'own wake';
  readonly kind: 'hopeless' | 'unknown type' | 'refused' | 'timed out' | 'failed';
  /** This one included. */
  readonly attempts: number;
  readonly maxAttempts: number;
  /** When the message came, or was first stashed. */
  readonly since: number;
  /** Until the next try. */
  readonly waitMs: number;
  /** The effect hangs for every key: it is not this one's trouble. */
  readonly isWidespread: boolean;
  /** Keys that wait hold too much of what may be in hand. */
  readonly isCrowded: boolean;
  /** The document has room for the message. */
  readonly fits: boolean;
}

export type FailureVerdict =
  | { readonly is: 'retry' }
  /** Into the document, its successors with it; in its place there if it is in it already. */
  | { readonly is: 'stash' }
  | { readonly is: 'bury' }
  /** Everything goes back to the broker; it is tried once more if that takes long. */
  | { readonly is: 'give back' }
  | { readonly is: 'let go' };

export function afterFailure(failure: Failure, limits: Limits, now: number): FailureVerdict {
  const { what, kind, attempts } = failure;
  if (what === 'own wake') return { is: 'let go' };
  const isOver =
    kind === 'hopeless' ||
    (kind === 'refused' && attempts >= limits.refusals) ||
    (kind === 'unknown type' ? now - failure.since >= limits.unknownTypeMs : attempts >= failure.maxAttempts);
  if (isOver) return { is: 'bury' };
  if (what === 'stashed') return { is: 'stash' };
  if (kind === 'refused') return { is: 'retry' };
  // The next try, should it hang, has to end before the key's messages are to be off the queue.
  const isLate = now + failure.waitMs + limits.effectMs >= failure.since + limits.stashAfterMs;
  if (kind === 'timed out' && failure.isWidespread) return { is: isLate ? 'give back' : 'retry' };
  if (!isLate && !failure.isCrowded && kind !== 'unknown type') return { is: 'retry' };
  if (failure.fits) return { is: 'stash' };
  // What fits into no document cannot wait in one, and may not hold up its partition.
  return { is: isLate ? 'bury' : 'retry' };
}

/** Until a document is this large its stash takes messages; the rest is for what it has to write in any case. */
export function stashLimit(limits: Limits): number {
  return limits.maxDocumentBytes * 0.75;
}

export function isExpired(message: Message, now: number): boolean {
  return message.deadline !== undefined && message.deadline < now;
}

function hasSpilled<State>({ spilledUntil }: Document<State>, now: number): boolean {
  return spilledUntil !== undefined && spilledUntil > now;
}

function handledBefore<State>(
  { handled }: Document<State>,
  id: string,
  remembered: Subject['remembered'],
): Handled | undefined {
  return handled.find((one) => one.id === id) ?? (remembered === 'nothing' ? undefined : remembered);
}

/**
 * How many of those behind a failing message go into the document with it: until something else stands there, one that is known, or
 * one that came by another partition: older ones of this one may still come.
 */
export function successorsThatFit<State>(
  document: Document<State>,
  line: readonly (Subject | undefined)[],
  limits: Limits,
  { now, bytes: size }: Pick<Circumstances, 'now' | 'bytes'>,
): number {
  const known = new Set(document.handled.map(({ id }) => id));
  let bytes = size;
  let count = 0;
  for (const subject of line) {
    if (subject === undefined || subject.message.type === WAKE || known.has(subject.message.id)) break;
    if (subject.queue !== line[0]?.queue) break;
    if (count > 0 && hasSpilled(document, now) && subject.remembered !== 'nothing') break;
    bytes += subject.bytes;
    if (document.stash.length + count >= limits.stashSize || bytes > stashLimit(limits)) break;
    known.add(subject.message.id);
    count += 1;
  }
  return count;
}
