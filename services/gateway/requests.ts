import type { Message } from '#shared/message.ts';
import { REQUEST_KEPT_MS } from '#shared/web/door.ts';
import type { Answer } from '#shared/web/endpoint.ts';

/**
 * One document per POST: what was asked, the message that it became, and what was answered. It is stored before the
 * message is published, so that a crash at any point leaves something that `sweep.ts` or the client's retry settles.
 *
 *     stored ---- broker confirmed ----> confirmed (readable, expires 24 h later)
 *       |  `----- broker gave it back -> deleted, unless another copy took it over meanwhile
 *       `-------- outcome unknown -----> unknown ---- sent again, confirmed ----> confirmed
 */
export interface StoredRequest {
  /** Of the subject and its idempotency key, or random: unique either way. */
  readonly id: string;
  /** What it asks for, such as `order`. */
  readonly kind: string;
  /** Of kind, target and validated body: the same key with another fingerprint is another request. */
  readonly fingerprint: string;
  /** The id of what it creates. */
  readonly resourceId: string;
  readonly customerId: string;
  readonly exchange: string;
  readonly message: Message;
  /** What the client is told when the broker has taken the message and nothing more is known. */
  readonly accepted: Answer;
  readonly forgetsBody?: true;
  /** Nobody answers later: what is said when the broker has it is the answer. */
  readonly isAnswered?: true;
  /** What the client was told; replayed from then on. */
  readonly answer?: Answer;
  readonly state: 'stored' | 'unknown' | 'confirmed';
  /** How often it was taken over; one that was may be in the broker more than once, and is never deleted as refused. */
  readonly takenOver: number;
  /** Epoch ms until which somebody works on it. */
  readonly busyUntil: number;
  /** Epoch ms from which the sweep sends it again; absent once confirmed. */
  readonly nextTryAt?: number;
  readonly createdAt: number;
  /** Epoch ms; absent until confirmed: what is not settled does not expire. */
  readonly expiresAt?: number;
}

export interface Confirmed {
  readonly expiresAt: number;
  /** What was said, when that is final. */
  readonly answer?: Answer;
  /** The body of its message is kept no longer. */
  readonly forgetsBody?: true;
}

/** Two implementations, memory and mongoose, pass one conformance suite. Writes are atomic per document. */
export interface RequestStore {
  /** Returns the one that has the id already, or `undefined` when it was stored. Rejects with `NotStored` only if it certainly was not. */
  insert(request: StoredRequest): Promise<StoredRequest | undefined>;
  /** The broker has it. `answer`: what was said, when that is final. */
  confirm(id: string, confirmed: Confirmed): Promise<void>;
  /** The final answer; the first one stays. */
  settle(id: string, answer: Answer): Promise<void>;
  /** Deletes one that is `stored` and was never taken over; says whether it did. */
  withdraw(id: string): Promise<boolean>;
  /** The outcome of the last sending is not known; the sweep sends it again from `nextTryAt` on. */
  giveUp(id: string, nextTryAt: number): Promise<void>;
  /** Makes the caller the one who sends it again until `until`; `undefined` when it is confirmed or gone. */
  takeOver(id: string, until: number): Promise<StoredRequest | undefined>;
  /** Takes over the one that is due for longest; `undefined`: none is. */
  takeDue(now: number, until: number): Promise<StoredRequest | undefined>;
  forget(id: string): Promise<void>;
  /** A confirmed one by what it created. */
  ofResource(resourceId: string): Promise<StoredRequest | undefined>;
  find(id: string): Promise<StoredRequest | undefined>;
}

/** The request is certainly not in the store. Any other rejection of `insert` leaves that open. */
export class NotStored extends Error {
  override readonly name = 'NotStored';
}

/** What is kept of a request once the broker has its message. */
export function confirmedAt({ isAnswered, accepted, forgetsBody }: StoredRequest, now: number): Confirmed {
  return {
    expiresAt: now + REQUEST_KEPT_MS,
    ...(isAnswered === true && { answer: accepted }),
    ...(forgetsBody && { forgetsBody }),
  };
}
