/** Deliberate defects of the stock. */
import type { Mutation } from './mutation.ts';

export const ofStock: readonly Mutation[] = [
  {
    name: 'more reserved than there is',
    guarantee: 'nothing is sold that is not there',
    file: 'services/stock/orders.ts',
    find: "if (item.onHand - item.reserved < quantity) return refuse('insufficient_stock');",
    replace: "if (item.onHand < quantity) return refuse('insufficient_stock');",
  },
  {
    name: 'a movement left out',
    guarantee: 'an item is what its movements add up to',
    file: 'services/stock/changes.ts',
    find: 'movements: seq }, journal: [...journal, written] });',
    replace: "movements: seq }, journal: kind === 'released' ? journal : [...journal, written] });",
  },
  {
    name: 'reserved twice',
    guarantee: 'what one try reserved is given back before the next one reserves',
    file: 'services/stock/orders.ts',
    find: "return released(keeping({ ...undone, reservation: { ...reservation, status: 'released' } }, given));",
    replace: "return released(keeping({ ...undone, reservation: { ...reservation, status: 'released' } }));",
  },
  {
    name: 'released and not reserved',
    guarantee: 'a release gives back what its own command reserved, once',
    file: 'services/stock/orders.ts',
    find: "if (reservation?.of !== of || reservation.status !== 'open') return released(keeping(undone));",
    replace: 'if (reservation === undefined) return released(keeping(undone));',
  },
  {
    name: 'reserved after its release',
    guarantee: 'the stock remembers a release and refuses the reservation that comes after it',
    file: 'services/stock/orders.ts',
    find: "if (isUndone(claim, of)) return refuse('already_undone');",
    replace: "if (isUndone(claim, of) && quantity < 0) return refuse('already_undone');",
  },
];
