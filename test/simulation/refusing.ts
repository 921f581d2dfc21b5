/** A database that never takes the document of one key, whatever else it takes. */
import type { EntityStore } from '#shared/entity/store.ts';

/** The customer whose wallet the database does not take, in part of the seeds. */
export const UNWANTED = 'eve';
/** What it says. */
export const REFUSAL = 'simulated: the document is not taken';

export function refusing<State>(store: EntityStore<State>, unwanted: string): EntityStore<State> {
  return {
    ...store,
    async commit(writes) {
      const outcome = await store.commit(writes.filter(({ document }) => document.key !== unwanted));
      if (writes.every(({ document }) => document.key !== unwanted)) return outcome;
      return { ...outcome, refused: new Map([...outcome.refused, [unwanted, REFUSAL]]) };
    },
  };
}
