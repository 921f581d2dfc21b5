import type { SagaState } from './state.ts';
import type { ArchiveRule } from '#shared/database/archive.ts';

export const sagasCollection = 'sagas';

export const sagaArchive: ArchiveRule<SagaState> = {
  endedAt: (state) => (state.phase === 'ended' ? state.endedAt : state.phase === 'unknown' ? 0 : undefined),
};

/** What a view reads of a stored saga; `_id` is the order's id. */
export interface StoredSaga {
  readonly _id: string;
  readonly state?: SagaState;
  readonly unsent?: readonly {
    readonly send: { readonly message: { readonly id: string } };
    readonly attempts: number;
    readonly reason: string;
    readonly nextTryAt: number;
  }[];
}
