import type { Retries } from '#shared/saga/step.ts';

/** How an order is tried again, as the saga service is configured. */
export interface Retrying {
  /** How often an order is tried at most, whatever is refused. */
  readonly tries: number;
  /** How long after a refusal the next try begins, ms. */
  readonly delayMs: number;
  /** What becomes of its stock while a payment that was declined waits for its next try. */
  readonly stockBetween: Retries['between'];
}

export const usualRetrying: Retrying = { tries: 4, delayMs: 5000, stockBetween: 'hold' };

/** What this makes of a step. Nothing where one try is all there is. */
export function triedAgain(
  { tries, delayMs }: Retrying,
  between: Retries['between'],
  unless: readonly string[],
): { readonly retries?: Retries } {
  return tries > 1 ? { retries: { times: tries - 1, delayMs, between, unless } } : {};
}
