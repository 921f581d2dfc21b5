import type { StoredState } from './state.ts';
import type { ArchiveRule } from '#shared/database/archive.ts';

export const checkoutsCollection = 'checkouts';

/** When it was decided and everybody has cleared, or it never began. */
export const checkoutArchive: ArchiveRule<StoredState> = {
  endedAt(state) {
    if (!('saga' in state)) return state.abandonedAt;
    const { saga, clearing } = state;
    return saga.phase === 'ended' && clearing !== undefined && Object.keys(clearing).length === 0
      ? saga.endedAt
      : undefined;
  },
};

/** What is read of a stored checkout; `_id` is its id. */
export interface StoredCheckout {
  readonly _id: string;
  readonly state?: StoredState;
}
