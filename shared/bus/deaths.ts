import type { HeaderTable, HeaderValue, Packet } from './bus.ts';

/** Why a queue gave a packet to its dead-letter exchange, in RabbitMQ's words. */
export type DeathReason = 'expired' | 'maxlen' | 'rejected' | 'delivery_limit';

/** One entry of the header `x-death`: newest first, one per queue and reason. */
export interface Death {
  readonly queue: string;
  readonly reason: string;
  readonly count: number;
  /** It died of an expiry that its publisher gave it, not of its queue's; the broker notes it for RabbitMQ's `expiration` only. */
  readonly byPublisher?: true;
}

/** Header: epoch ms at which a packet was published; see `envelope.ts`. */
export const SENT_AT = 'sent-at';

/** Header: `true` on what was published to `<route>.hash`: undo commands, answers and wakes. */
export const PAST_GATE = 'past-gate';

/** What the broker noted about a packet that was dead-lettered; entries that are not the broker's are skipped. */
export function deathsOf(headers: HeaderTable): readonly Death[] {
  const list = headers['x-death'];
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: HeaderValue): Death[] => {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return [];
    const { queue, reason, count, 'original-expiration': expiration } = entry as HeaderTable;
    if (typeof queue !== 'string' || typeof reason !== 'string') return [];
    const death = { queue, reason, count: typeof count === 'number' ? count : 1 };
    return [expiration === undefined ? death : { ...death, byPublisher: true }];
  });
}

/**
 * The headers without the broker's notes, and without the time of the publish. Every republish of a dead-lettered packet needs it:
 * RabbitMQ 3.10 silently drops one that expires again on a path back to a queue that is still listed; and who gets it must not take
 * the time that it lay somewhere for a long line.
 */
export function withoutDeaths(headers: HeaderTable): HeaderTable {
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) =>
        name !== 'x-death' &&
        name !== 'x-delivery-count' &&
        name !== 'x-acquired-count' &&
        name !== SENT_AT &&
        !name.startsWith('x-first-death-') &&
        !name.startsWith('x-last-death-'),
    ),
  );
}

/** The packet as the broker hands it to a dead-letter exchange. `atS`: epoch seconds. */
export function withDeath(
  packet: Packet,
  death: Omit<Death, 'count'>,
  from: { readonly exchange: string; readonly routingKey: string },
  atS: number,
): Packet {
  const { queue, reason } = death;
  const before = Array.isArray(packet.headers['x-death']) ? (packet.headers['x-death'] as readonly HeaderTable[]) : [];
  const again = before.find((entry) => entry['queue'] === queue && entry['reason'] === reason);
  const others = before.filter((entry) => entry !== again);
  const count = again === undefined ? 1 : Number(again['count']) + 1;
  const entry: HeaderTable = {
    count,
    reason,
    queue,
    time: { '!': 'timestamp', value: atS },
    exchange: from.exchange,
    'routing-keys': [from.routingKey],
  };
  const first =
    'x-first-death-queue' in packet.headers
      ? {}
      : { 'x-first-death-queue': queue, 'x-first-death-reason': reason, 'x-first-death-exchange': from.exchange };
  return { ...packet, headers: { ...packet.headers, ...first, 'x-death': [entry, ...others] } };
}

/** True when a packet that died for `reason` came to `queue` before and was never rejected since: the broker drops it. */
export function isCycle(headers: HeaderTable, queue: string, reason: DeathReason): boolean {
  if (reason === 'rejected') return false;
  const deaths = deathsOf(headers);
  const index = deaths.findIndex((death) => death.queue === queue);
  return index !== -1 && deaths.slice(0, index + 1).every((death) => death.reason !== 'rejected');
}
