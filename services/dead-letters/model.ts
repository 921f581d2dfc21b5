import type { LetterState } from './contract.ts';

export const deadLettersCollection = 'dead_letters';
/** Who replays now: one document. */
export const turnsCollection = 'dead_letter_turns';

/** As it was in the queue, without what was noted about its death. */
export interface StoredPacket {
  readonly content: Buffer | { readonly buffer: Uint8Array };
  readonly contentType?: string | undefined;
  readonly type?: string | undefined;
  readonly messageId?: string | undefined;
  readonly correlationId?: string | undefined;
  /** JSON: names of headers may hold what names of fields may not. */
  readonly headers: string;
}

/** One burial. The same `id` for the same one, however often it is delivered. */
export interface LetterFailure {
  readonly id: string;
  readonly at: Date;
  readonly reason: string;
  readonly attempts: number;
}

export interface Replay {
  /** Of the request. */
  readonly id: string;
  readonly by: string;
  readonly requestedAt: Date;
  readonly ratePerS: number;
  readonly publishedAt?: Date;
  /** Why it is not published yet, or was given up. */
  readonly problem?: string;
}

export interface StoredLetter {
  /** The same for the same message on the same route. */
  readonly _id: string;
  readonly route: string;
  readonly state: LetterState;
  readonly type?: string | undefined;
  readonly key?: string | undefined;
  readonly messageId?: string | undefined;
  readonly correlationId?: string | undefined;
  /** Of the newest failure: its reason without what differs from message to message. */
  readonly cause: string;
  readonly reason: string;
  readonly attempts: number;
  /** How many burials. */
  readonly failureCount: number;
  readonly firstFailureAt: Date;
  readonly lastFailureAt: Date;
  /** The newest 50. */
  readonly failures: readonly LetterFailure[];
  readonly packet: StoredPacket;
  /** After it its owner does not act on the message any more: sending it again would change nothing. */
  readonly deadline?: Date | undefined;
  /** Its order has ended: sending it again would change nothing. */
  readonly orderEndedAt?: Date | undefined;
  /** Why it is no message of ours: then nobody could ever handle it, and it is not sent again. */
  readonly broken?: string | undefined;
  readonly replay?: Replay;
  readonly replays?: number;
  readonly discarded?: { readonly id: string; readonly by: string; readonly reason: string; readonly at: Date };
  /** Of those that are settled: forgotten some time after this. */
  readonly settledAt?: Date;
}
