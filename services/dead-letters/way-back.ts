import * as delivery from '#services/delivery/contract.ts';
import * as notify from '#services/notify/contract.ts';
import * as order from '#services/order/contract.ts';
import * as payment from '#services/payment/contract.ts';
import { routeTable } from '#services/routes.ts';
import * as saga from '#services/saga/contract.ts';
import * as wallet from '#services/wallet/contract.ts';
import { hash, inbox } from '#shared/bus/topology/topology.ts';
import { type MessageType, TOO_LATE, WAKE } from '#shared/message.ts';

/** By route. */
const contracts: Readonly<Record<string, object>> = { order, payment, wallet, delivery, notify, saga };

const known: ReadonlyMap<string, MessageType> = new Map(
  Object.values(contracts)
    .flatMap((contract) => Object.values(contract) as unknown[])
    .filter(isMessageType)
    .map((type) => [type.name, type]),
);

/**
 * Where a message of this type goes again: the way that it came. Undo commands, answers and wakes are never refused by an
 * open route; everything else, what nobody knows included, goes through the gate. `undefined`: there is no such route.
 */
export function wayBack(route: string, type: string | undefined): string | undefined {
  if (!routeTable.routes.includes(route)) return undefined;
  if (type === WAKE || type === TOO_LATE) return hash(route);
  const found = type === undefined ? undefined : known.get(type);
  if (found === undefined) return inbox(route);
  return found.kind === 'event' || found.undo ? hash(route) : inbox(route);
}

function isMessageType(value: unknown): value is MessageType {
  return typeof value === 'object' && value !== null && 'kind' in value && 'name' in value && 'body' in value;
}
