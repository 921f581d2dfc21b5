import type { LoggedSaga, LogRow } from './order-logs.ts';
import type { OrderSaga } from './saga.ts';
import type { ArchiveRule } from '#shared/database/archive.ts';

export const sagasCollection = 'sagas';
/** Every change of an order, each a row; made from the sagas, and can be made again. */
export const orderLogsCollection = 'order_logs';
export const orderLogsIndexes = [{ orderId: 1, seq: 1 }] as const;

export const sagaArchive: ArchiveRule<OrderSaga> = {
  endedAt: (state) => (state.phase === 'ended' ? state.endedAt : state.phase === 'unknown' ? 0 : undefined),
};

/** What a view reads of a stored saga; `_id` is the order's id. */
export interface StoredSaga {
  readonly _id: string;
  readonly state?: LoggedSaga;
  /** Rows of the log that may not be in their collection yet. */
  readonly journal?: readonly LogRow[];
  readonly unsent?: readonly {
    readonly send: { readonly message: { readonly id: string } };
    readonly attempts: number;
    readonly reason: string;
    readonly nextTryAt: number;
  }[];
}
