import type { Fence } from './fence.ts';
import type { OrderDetails } from '#services/order/contract.ts';
import type { JournalRecord } from '#shared/entity/entity.ts';

/** The one queue. Who stands where is in its journal. */
export interface QueueState {
  readonly kind: 'queue';
  /** The last entry that was given. */
  readonly queued: number;
  readonly fence: Fence;
  /** How often somebody came whose term was over. */
  readonly refused: number;
  /** How many records its journal ever had. */
  readonly records: number;
}

/** One order that is to be executed. */
export interface EntryState {
  readonly kind: 'entry';
  readonly orderId: string;
  /** Absent: it was withdrawn before it came. */
  readonly order?: OrderDetails;
  readonly checkoutId?: string;
  readonly enqueuedAt?: number;
  /** The trace that it came in, and that its order goes on in. */
  readonly traceparent?: string;
  readonly withdrawn?: true;
  /** Its place in the queue, and who executed it. Absent: its turn has not come. */
  readonly started?: { readonly entry: number; readonly executor: string; readonly term: number; readonly at: number };
}

export type ExecutorState = QueueState | EntryState;

/** A record of the queue: an order got its place, or was executed. */
export type QueueRecord = JournalRecord & {
  readonly queue: string;
  /** Numbers the queue's records from 1, without gaps. */
  readonly seq: number;
  readonly entry: number;
  readonly orderId: string;
  /** Epoch ms. */
  readonly at: number;
} & ({ readonly kind: 'queued' } | { readonly kind: 'executed'; readonly executor: string; readonly term: number });
