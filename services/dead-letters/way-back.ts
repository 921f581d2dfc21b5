import { PAST_GATE } from '#shared/bus/deaths.ts';
import type { HeaderTable } from '#shared/bus/bus.ts';
import { hash, inbox } from '#shared/bus/topology/topology.ts';

/**
 * Where a message goes again: the way that it came, as its publisher noted it. Undo commands, answers and wakes are never refused by an
 * open route; everything else, what strangers published included, goes through the gate.
 */
export function wayBack(route: string, headers: HeaderTable): string {
  return headers[PAST_GATE] === true ? hash(route) : inbox(route);
}
