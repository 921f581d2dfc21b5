import type { OrderProgress } from './contract.ts';
import type { OrderDefinition, OrderSaga } from './saga.ts';
import { askedSteps } from '#shared/saga/definition.ts';
import type { StepRecord } from '#shared/saga/state.ts';

/** Which try of an order this is, of how many, and when the next one begins. A saga that nobody began is at its first. */
export function progressOf(definitions: readonly OrderDefinition[], state: OrderSaga | undefined): OrderProgress {
  const begun = state?.phase === 'parked' ? state.was : state;
  if (begun === undefined || begun.phase === 'unknown') return { attempt: 1, maxAttempts: triesOf(definitions[0]) };
  const { definition, steps, earlier = [] } = begun;
  const maxAttempts = triesOf(
    definitions.find(({ name, version }) => name === definition.name && version === definition.version),
  );
  const refusals = [...earlier.flat(), ...steps].filter(({ end }) => end === 'refused').length;
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

function triesOf(definition: OrderDefinition | undefined): number {
  if (definition === undefined) return 1;
  return 1 + Math.max(0, ...askedSteps(definition).map(({ retries }) => retries?.times ?? 0));
}
