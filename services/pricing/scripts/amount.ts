import type { Case, Failed } from './contract.ts';

/** Why a line cannot be computed exactly; a pure function. */
export function unfitCase({ quantity, price }: Case, largest: number): string | undefined {
  if (!Number.isSafeInteger(quantity) || quantity < 0) return 'the quantity is not a whole number of units';
  if (!Number.isSafeInteger(price) || price < 0) return 'the price is not a whole number of minor units';
  if (quantity * price > largest) return `quantity x price is above ${largest}, the largest amount of a line`;
  return undefined;
}

/** Why a number is no amount; a pure function. */
export function unfitAmount(amount: number, largest: number): string | undefined {
  if (Number.isNaN(amount)) return 'it gave NaN instead of an amount';
  if (amount < 0) return `it gave a negative amount, ${amount}`;
  if (amount > largest) return `it gave ${amount}, above ${largest}, the largest amount of a line`;
  if (!Number.isInteger(amount)) return `it gave a fraction, ${amount}, instead of whole minor units`;
  return undefined;
}

/** The first case that cannot be asked. */
export function unfitAmong(cases: readonly Case[], largest: number): Failed | undefined {
  for (const [at, each] of cases.entries()) {
    const message = unfitCase(each, largest);
    if (message !== undefined) return { did: 'result', message, at };
  }
  return undefined;
}
