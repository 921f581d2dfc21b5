/** The shelves of a town: goods are put there as the door would have it done. */
import type { Good } from '#local/stack/demo-catalogue.ts';
import { create } from '#services/catalogue/contract.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { inbox } from '#shared/bus/topology/topology.ts';

/** By commands to the catalogue, which opens their stock. */
export function shelve(broker: { put(exchange: string, packet: Packet): unknown }, goods: readonly Good[]): void {
  for (const good of goods) {
    const id = `shelf:${good.sku}`;
    broker.put(
      inbox(create.route),
      encode({ id, type: create.name, key: create.key(good), body: good, correlationId: id }),
    );
  }
}
