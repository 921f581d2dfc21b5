import type { AuditedItem, ShelfRow } from './audited.ts';
import { stockIsKept } from './contract.ts';
import { movementsCollection, stockCollection } from './model.ts';
import { moved, type Movement } from './movements.ts';
import { found, type AuditTally } from '#shared/audit-rule.ts';
import { telling } from '#shared/audited-thing.ts';

/**
 * The movements of an item being added up, one by one, so that there may be any number of them. Those of the collection come after
 * the item; what was written after the item was read does not count.
 */
export function shelfTally(): AuditTally<ShelfRow> {
  const riding = new Map<number, Movement>();
  const odd: string[] = [];
  let item: AuditedItem | undefined;
  let owner = '';
  let sum = { onHand: 0, reserved: 0 };
  let previous: number | undefined;
  let count = 0;

  function take(movement: Movement): void {
    const { id, kind, quantity, seq } = movement;
    count += 1;
    sum = moved(sum, movement);
    const isSound = kind === 'adjusted' ? quantity !== 0 : quantity > 0;
    if (!(Number.isInteger(quantity) && isSound)) note(`movement ${id} is over ${quantity}`);
    if (seq === previous) note(`movement ${id} has the number ${seq} of another`);
    previous = seq;
  }

  function note(what: string): void {
    if (odd.length < 10) odd.push(what);
  }

  function addMovement(movement: Movement): void {
    if (item !== undefined && movement.seq > item.movements) return;
    if (riding.get(movement.seq)?.id === movement.id) riding.delete(movement.seq);
    take(movement);
  }

  return {
    add(row) {
      owner = row.sku;
      if (row.movement !== undefined) return addMovement(row.movement);
      item = row.item;
      for (const movement of item.riding) riding.set(movement.seq, movement);
    },
    tells: () => ({ facts: [telling(stockIsKept, item?.isKept ?? false)] }),
    check() {
      for (const movement of riding.values()) take(movement);
      riding.clear();
      if (item === undefined) return found('movements', count === 0 ? [] : [`${count} movements and no stock item`]);
      const { onHand, reserved, movements, open } = item;
      return [
        ...found('stock-level', level(item)),
        ...found('movements', [
          ...odd,
          ...(count === movements ? [] : [`${count} movements, numbered to ${movements}`]),
          ...(onHand === sum.onHand ? [] : [`${onHand} on hand, by its movements ${sum.onHand}`]),
          ...(reserved === sum.reserved ? [] : [`${reserved} reserved, by its movements ${sum.reserved}`]),
        ]),
        ...found('reserved', open === reserved ? [] : [`${reserved} reserved, its open reservations are over ${open}`]),
      ];
    },
    documents() {
      const inIt = item?.riding.map(({ id }) => `${stockCollection}/${owner}#${id}`) ?? [];
      const written = `${movementsCollection}?sku=${encodeURIComponent(owner)}`;
      return item === undefined && count === 0
        ? []
        : [...(item ? [`${stockCollection}/${owner}`] : []), ...inIt, written];
    },
    evidence() {
      if (item === undefined) return {};
      const { riding: _, sku: __, ...stock } = item;
      return { stock };
    },
    sums: () => ({ counts: { movements: count } }),
  };
}

function level({ onHand, reserved }: AuditedItem): readonly string[] {
  return onHand >= 0 && reserved >= 0 && reserved <= onHand ? [] : [`${reserved} of ${onHand} on hand are reserved`];
}
