import type { OrderProgress } from './contract.ts';
import type { OrderSaga } from './saga.ts';
import type { StepRecord } from '#shared/saga/state.ts';

/**
 * Which try of an order this is, of how many, and when the next one begins. Between two tries it is at the one that was
 * refused. `tries`: how many an order has whose saga has not begun.
 */
export function progressOf(state: OrderSaga | undefined, tries: number): OrderProgress {
  const begun = state?.phase === 'parked' ? state.was : state;
  if (begun === undefined || begun.phase === 'unknown') return { attempt: 1, maxAttempts: tries };
  const { steps, earlier = [], maxAttempts = 1 } = begun;
  const refusals = earlier.flat().filter(({ end }) => end === 'refused').length;
  const next = begun.phase === 'ended' ? undefined : nextTryAt(steps, begun.phase === 'undoing' ? begun.releasing : {});
  return {
    attempt: Math.min(1 + refusals, maxAttempts),
    maxAttempts,
    ...(next !== undefined && { nextTryAt: new Date(next).toISOString() }),
  };
}

function nextTryAt(
  steps: readonly StepRecord[],
  releasing: { readonly retryAt?: number; readonly cancelled?: true } = {},
): number | undefined {
  if (releasing.cancelled === true) return undefined;
  const all = [releasing.retryAt, ...steps.map(({ retry }) => retry?.at)].filter((at) => at !== undefined);
  return all.length === 0 ? undefined : Math.min(...all);
}
