import { MAX_AMOUNT_MINOR, type Money } from '#services/money.ts';
import { type FieldError, invalid } from '#shared/web/problems.ts';

interface Line {
  readonly quantity: number;
  readonly unitPrice?: Money | undefined;
}
type PricedLine = Line & { readonly unitPrice: Money };

/**
 * The sum of quantity x unit price, exact. Throws a `validation` problem when currencies differ or the sum is above the limit; it points to
 * a price only where the client stated one (`asked`).
 */
export function totalOf(lines: readonly PricedLine[], asked: readonly Line[] = lines): Money {
  const [first] = lines;
  if (first === undefined) throw invalid([{ pointer: '/items', detail: 'must not be empty', in: 'body' }]);
  return { amount: Number(sumOf(lines, asked)), currency: first.unitPrice.currency };
}

/** Throws what `totalOf` would throw of the lines whose price is stated. */
export function checkStated(asked: readonly Line[]): void {
  sumOf(asked, asked);
}

function sumOf(lines: readonly Line[], asked: readonly Line[]): bigint {
  const currency = lines.find(({ unitPrice }) => unitPrice !== undefined)?.unitPrice?.currency;
  const errors: FieldError[] = [];
  const tell = (position: number, member: string, detail: string): void => {
    const where = asked[position]?.unitPrice === undefined ? '' : `/unitPrice/${member}`;
    errors.push({ pointer: `/items/${position}${where}`, detail, in: 'body' });
  };
  let sum = 0n;
  for (const [position, { quantity, unitPrice }] of lines.entries()) {
    if (unitPrice === undefined) continue;
    if (unitPrice.currency !== currency)
      tell(position, 'currency', `its price must be in ${currency} like that of the lines before`);
    const line = BigInt(quantity) * BigInt(unitPrice.amount);
    if (line > MAX_AMOUNT_MINOR) tell(position, 'amount', `quantity x amount is above ${MAX_AMOUNT_MINOR}`);
    sum += line;
  }
  if (errors.length === 0 && sum > MAX_AMOUNT_MINOR)
    errors.push({ pointer: '/items', detail: `the total is above ${MAX_AMOUNT_MINOR} minor units`, in: 'body' });
  if (errors.length > 0) throw invalid(errors);
  return sum;
}
