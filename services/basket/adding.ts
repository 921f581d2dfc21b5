import type { PricedBasket, PricedLine } from './contract.ts';
import { MAX_AMOUNT_MINOR } from '#services/money.ts';
import { QuestionProblem } from '#shared/question/question.ts';

/** The lines with their exact sum. Throws what whoever asks is told of lines that have none. At least one line. */
export function addedUp(lines: readonly PricedLine[]): PricedBasket {
  const { currency } = lines[0]!.unitPrice;
  const other = lines.find(({ unitPrice }) => unitPrice.currency !== currency);
  if (other !== undefined)
    throw new QuestionProblem(
      'mixed-currencies',
      `${lines[0]!.sku} costs ${currency} and ${other.sku} ${other.unitPrice.currency}: there is no sum of both`,
      { skus: [lines[0]!.sku, other.sku] },
    );
  const sum = lines.reduce((total, { amount }) => total + BigInt(amount), 0n);
  if (sum > MAX_AMOUNT_MINOR)
    throw new QuestionProblem('too-much', `the total is above ${MAX_AMOUNT_MINOR} minor units`);
  return { total: { amount: Number(sum), currency }, lines };
}
