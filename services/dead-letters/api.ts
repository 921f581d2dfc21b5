import { openLetters } from './contract.ts';
import { deadLetterView } from './view.ts';
import { defineApi } from '#shared/web/api.ts';
import { answerLookup } from '#shared/web/lookup.ts';

/** What others show of dead letters. The letters themselves are for operators. */
export const deadLettersApi = defineApi({
  view: deadLetterView,
  endpoints: () => [],
  lookups: (letters) => [
    answerLookup(openLetters, async ({ correlationId, caller }) => {
      const open = await letters.openOf(correlationId);
      return open.map(({ id, type, step, undo, state, lastFailureAt, cause }) => ({
        id,
        type,
        step,
        undo,
        state,
        lastFailureAt,
        ...(caller.role === 'operator' && { cause }),
      }));
    }),
  ],
});
