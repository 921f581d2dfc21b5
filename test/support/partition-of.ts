import type { Session } from '#shared/bus/bus.ts';
import { hash, partition } from '#shared/bus/topology/topology.ts';

/**
 * Asks the broker in which partition it puts each of these keys: an exchange of the same kind with the same number of bindings hashes as
 * the route's does. The session needs an administrator's rights.
 */
export async function partitionsOf(
  session: Session,
  {
    route,
    partitions,
    keys,
  }: { readonly route: string; readonly partitions: number; readonly keys: readonly string[] },
): Promise<ReadonlyMap<string, string>> {
  const exchange = `probe.${hash(route)}`;
  await session.declareExchange({ name: exchange, type: 'x-consistent-hash', arguments: { 'hash-header': 'key' } });
  const queueOf = (index: number): string => `probe.${partition(route, index)}`;
  const indexes = Array.from({ length: partitions }, (_, index) => index);
  for (const index of indexes) {
    await session.declareQueue({ name: queueOf(index), type: 'classic', arguments: {} });
    await session.bind({ source: exchange, destination: queueOf(index), to: 'queue', routingKey: '1' });
  }
  for (const key of keys) {
    await session.publish(exchange, { content: Buffer.from(''), messageId: key, type: 'probe', headers: { key } });
  }
  const found = new Map<string, string>();
  for (const index of indexes) {
    for (;;) {
      const delivery = await session.get(queueOf(index));
      if (delivery === undefined) break;
      found.set(delivery.packet.messageId ?? '', partition(route, index));
      session.ack(delivery);
    }
  }
  return found;
}
