/** The shelves of a town: goods are put there as the door would have it done, and read as they are stored. */
import type { Shelf } from '#test/support/stock-invariants.ts';
import type { Good } from '#local/stack/demo-catalogue.ts';
import { create } from '#services/catalogue/contract.ts';
import { open } from '#services/stock/contract.ts';
import { isMovement } from '#services/stock/movements.ts';
import type { StockState } from '#services/stock/stock.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { inbox } from '#shared/bus/topology/topology.ts';
import type { CommandType } from '#shared/message.ts';
import type { MemoryStore } from '#shared/entity/stores/memory-store.ts';

/** By commands to the catalogue and to the stock. */
export function shelve(broker: { put(exchange: string, packet: Packet): unknown }, goods: readonly Good[]): void {
  const put = <Body>(type: CommandType<Body>, body: Body, sku: string): void => {
    const id = `shelf:${type.name}:${sku}`;
    broker.put(inbox(type.route), encode({ id, type: type.name, key: type.key(body), body, correlationId: id }));
  };
  for (const good of goods) {
    const { sku, initialStock: quantity } = good;
    put(create, good, sku);
    put(open, { sku, quantity }, sku);
  }
}

/** Whether all of it can be ordered. */
export function areShelved({ documents }: MemoryStore<unknown>, goods: readonly Good[]): boolean {
  return goods.every(({ sku }) => (documents.get(sku)?.state as StockState | undefined)?.status === 'open');
}

/** Every item, with its movements: those that were written, and those that ride in its document. */
export function shelvesOf({ documents, journal }: MemoryStore<unknown>): readonly Shelf[] {
  const written = Map.groupBy([...journal.values()].filter(isMovement), ({ sku }) => sku);
  return [...documents.values()].flatMap(({ state, journal: riding }) => {
    if (state === undefined) return [];
    const { sku, onHand, reserved } = state as StockState;
    const all = [...(written.get(sku) ?? []), ...riding.filter(isMovement)];
    const movements = [...new Map(all.map((movement) => [movement.id, movement])).values()];
    return [{ sku, onHand, reserved, movements }];
  });
}
