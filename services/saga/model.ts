import type { OrderSaga } from './saga.ts';
import type { ArchiveRule } from '#shared/database/archive.ts';

export const sagasCollection = 'sagas';

export const sagaArchive: ArchiveRule<OrderSaga> = {
  endedAt: (state) => (state.phase === 'ended' ? state.endedAt : state.phase === 'unknown' ? 0 : undefined),
};

/** What a view reads of a stored saga; `_id` is the order's id. */
export interface StoredSaga {
  readonly _id: string;
  readonly state?: OrderSaga;
  readonly unsent?: readonly {
    readonly send: { readonly message: { readonly id: string } };
    readonly attempts: number;
    readonly reason: string;
    readonly nextTryAt: number;
  }[];
}
