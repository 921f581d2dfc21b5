import { auditedShelves, auditedTakings, type OrdersMovement, type ShelfRow } from './audited.ts';
import { movementsCollection } from './model.ts';
import type { MovementKind } from './movements.ts';
import { shelfTally } from './tally.ts';
import { skus } from '#services/catalogue/contract.ts';
import { orders, placedOrder } from '#services/order/contract.ts';
import { defineAudit, defineTally, found } from '#shared/audit-rule.ts';
import type { AuditedThing } from '#shared/audited-thing.ts';

/** Nothing is sold or reserved that there is not, and an item is what its movements add up to. */
export const stockAudit = defineTally<ShelfRow>({
  of: skus,
  rows: auditedShelves,
  about: ({ sku }) => sku,
  checks: ['stock-level', 'movements', 'reserved'],
  begin: shelfTally,
  counts: ['movements'],
});

/** Of what an order wants each SKU is reserved once at a time and sold once; nothing of it stays reserved when it has ended. */
export const takingsAudit = defineAudit({
  of: orders,
  rows: auditedTakings,
  about: ({ orderId }) => orderId,
  document: ({ id }) => `${movementsCollection}/${id}`,
  listed: 'movements',
  checks: ['orphan', 'one-sale', 'completed', 'undone'],
  check(movements, thing) {
    const taken = takenBy(movements);
    if (!thing.exists) return found('orphan', orphan(taken));
    const ordered = orderedBy(thing);
    return [
      ...found('one-sale', oneSale(taken, ordered)),
      ...(thing.outcome === 'completed' ? found('completed', completed(taken, ordered, thing)) : []),
      ...(thing.outcome === undefined || thing.outcome === 'completed' ? [] : found('undone', undone(taken))),
    ];
  },
});

interface Taken {
  readonly sku: string;
  readonly quantities: readonly number[];
  readonly times: Readonly<Record<MovementKind, number>>;
  readonly reserved: number;
  readonly sold: number;
}

/** What an order took, by SKU. */
function takenBy(movements: readonly OrdersMovement[]): readonly Taken[] {
  return [...Map.groupBy(movements, ({ sku }) => sku)].map(([sku, its]) => {
    const times = { received: 0, adjusted: 0, reserved: 0, released: 0, sold: 0 };
    const sums = { ...times };
    for (const { kind, quantity } of its) {
      times[kind] += 1;
      sums[kind] += quantity;
    }
    return {
      sku,
      quantities: [...new Set(its.map(({ quantity }) => quantity))],
      times,
      reserved: sums.reserved - sums.released - sums.sold,
      sold: sums.sold - sums.received,
    };
  });
}

function orderedBy({ told }: AuditedThing): ReadonlyMap<string, number> {
  const ordered = new Map<string, number>();
  for (const { sku, quantity } of told(placedOrder)?.items ?? []) ordered.set(sku, (ordered.get(sku) ?? 0) + quantity);
  return ordered;
}

function orphan(taken: readonly Taken[]): readonly string[] {
  return taken.flatMap(({ sku, reserved, sold }) => [
    ...(reserved === 0 ? [] : [`there is no such order, and ${reserved} of ${sku} are reserved for it`]),
    ...(sold === 0 ? [] : [`there is no such order, and ${sold} of ${sku} were sold to it`]),
  ]);
}

function oneSale(taken: readonly Taken[], ordered: ReadonlyMap<string, number>): readonly string[] {
  return taken.flatMap(({ sku, quantities, times }) => {
    const { reserved, released, sold, received, adjusted } = times;
    const open = reserved - released;
    const isOnce = adjusted === 0 && open >= 0 && open <= 1 && sold <= open && received <= sold;
    const quantity = ordered.get(sku) ?? 0;
    const other = quantities.filter((one) => one !== quantity);
    return [
      ...(isOnce
        ? []
        : [`${sku}: ${reserved} times reserved, ${released} released, ${sold} sold, ${received} returned`]),
      ...(other.length === 0 ? [] : [`${quantity} of ${sku} were ordered, its movements are over ${other.join(', ')}`]),
    ];
  });
}

/** The step that sells it, and one for each SKU. Orders of before there was stock have none. */
const STEP = /^commit-stock(\/|$)/;

function completed(
  taken: readonly Taken[],
  ordered: ReadonlyMap<string, number>,
  { steps }: AuditedThing,
): readonly string[] {
  const bySku = new Map(taken.map((one) => [one.sku, one]));
  const isSelling = steps.some((name) => STEP.test(name));
  const due = isSelling ? ordered : new Map<string, number>();
  return [...new Set([...due.keys(), ...bySku.keys()])].flatMap((sku) => {
    const { reserved = 0, sold = 0 } = bySku.get(sku) ?? {};
    const quantity = due.get(sku) ?? 0;
    return [
      ...(sold === quantity ? [] : [`${sold} of ${sku} were sold, not ${quantity}`]),
      ...(reserved === 0 ? [] : [`${reserved} of ${sku} are still reserved`]),
    ];
  });
}

function undone(taken: readonly Taken[]): readonly string[] {
  return taken.flatMap(({ sku, reserved, sold }) => [
    ...(sold === 0 ? [] : [`${sold} of ${sku} are still sold`]),
    ...(reserved === 0 ? [] : [`${reserved} of ${sku} are still reserved`]),
  ]);
}
