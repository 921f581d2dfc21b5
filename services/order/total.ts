import { MAX_AMOUNT_MINOR, type Money } from '#services/money.ts';
import { type FieldError, invalid } from '#shared/web/problems.ts';
import type { OrderDetails } from './contract.ts';

/** The sum of quantity x unit price, exact. Throws a `validation` problem when currencies differ or the sum is above the limit. */
export function totalOf(items: OrderDetails['items']): Money {
  const currency = items[0]?.unitPrice.currency;
  if (currency === undefined) throw invalid([{ pointer: '/items', detail: 'must not be empty', in: 'body' }]);
  const errors: FieldError[] = [];
  let sum = 0n;
  for (const [position, item] of items.entries()) {
    if (item.unitPrice.currency !== currency)
      errors.push({
        pointer: `/items/${position}/unitPrice/currency`,
        detail: `must be ${currency} like the first item's`,
        in: 'body',
      });
    const line = BigInt(item.quantity) * BigInt(item.unitPrice.amount);
    if (line > MAX_AMOUNT_MINOR)
      errors.push({
        pointer: `/items/${position}/unitPrice/amount`,
        detail: `quantity x amount is above ${MAX_AMOUNT_MINOR}`,
        in: 'body',
      });
    sum += line;
  }
  if (errors.length === 0 && sum > MAX_AMOUNT_MINOR)
    errors.push({ pointer: '/items', detail: `the total is above ${MAX_AMOUNT_MINOR} minor units`, in: 'body' });
  if (errors.length > 0) throw invalid(errors);
  return { amount: Number(sum), currency };
}
