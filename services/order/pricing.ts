import type { OrderDetails } from './contract.ts';
import type { Money } from '#services/money.ts';
import { type FieldError, Problem } from '#shared/web/problems.ts';

/** A line as a client asks for it; a stated price is what the client believes that it costs. */
export interface AskedLine {
  readonly sku: string;
  readonly quantity: number;
  readonly unitPrice?: Money | undefined;
}

/** The lines at the prices of the catalogue. Throws `Problem`: unknown-product, price-changed; each names all lines that it is about. */
export function priced(asked: readonly AskedLine[], priceOf: ReadonlyMap<string, Money>): OrderDetails['items'] {
  const unknown: FieldError[] = [];
  const changed: (FieldError & { readonly sku: string; readonly stated: Money; readonly current: Money })[] = [];
  const items: OrderDetails['items'] = [];
  for (const [position, { sku, quantity, unitPrice: stated }] of asked.entries()) {
    const current = priceOf.get(sku);
    if (current === undefined) {
      unknown.push({ pointer: `/items/${position}/sku`, detail: 'there is no such product', in: 'body' });
      continue;
    }
    if (stated !== undefined && !isSame(stated, current))
      changed.push({
        pointer: `/items/${position}/unitPrice`,
        detail: 'it costs something else now',
        in: 'body',
        sku,
        stated,
        current,
      });
    items.push({ sku, quantity, unitPrice: current });
  }
  if (unknown.length > 0)
    throw new Problem('unknown-product', `${unknown[0]!.pointer}: there is no such product`, {
      members: { errors: unknown },
    });
  const [first] = changed;
  if (first !== undefined) {
    const { pointer, detail, sku, stated, current } = first;
    throw new Problem('price-changed', `${pointer}: ${detail}`, { members: { sku, stated, current, errors: changed } });
  }
  return items;
}

function isSame(one: Money, other: Money): boolean {
  return one.amount === other.amount && one.currency === other.currency;
}
