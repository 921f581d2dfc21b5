/** Which letters a request means, as conditions on what is stored. */
import type { Selection } from './contract.ts';

/** Dead, and its owner would not act on it any more. */
export function obsoleteAt(now: Date) {
  return { state: 'dead' as const, $or: [{ deadline: { $lt: now } }, { orderEndedAt: { $exists: true } }] };
}

export function notObsolete(now: Date) {
  return {
    orderEndedAt: { $exists: false },
    $or: [{ deadline: { $exists: false } }, { deadline: { $gte: now } }],
  };
}

export function chosenBy(select: Selection) {
  const state = select.ids === undefined ? ('dead' as const) : { $in: ['dead' as const, 'discarded' as const] };
  return { broken: { $exists: false }, state, ...matching(select) };
}

export function matching({ ids, route, type, cause }: Selection) {
  return {
    ...(ids !== undefined && { _id: { $in: ids } }),
    ...(route !== undefined && { route }),
    ...(type !== undefined && { type }),
    ...(cause !== undefined && { cause }),
  };
}
