import type { ParkedItem } from './contract.ts';
import type { HeaderTable, HeaderValue, Packet } from '#shared/bus/bus.ts';
import { deathsOf, withoutDeaths } from '#shared/bus/deaths.ts';
import { decode } from '#shared/bus/envelope.ts';
import { dead, hash, parked } from '#shared/bus/topology.ts';
import { InvalidMessage } from '#shared/errors.ts';
import type { Message } from '#shared/message.ts';

/** Where a packet goes, and as what. */
export interface Placing {
  readonly exchange: string;
  readonly packet: Packet;
  /** Why it is not tried again; absent: it is. */
  readonly deadBecause?: string;
}

/** More than AMQP can carry once ours are added. */
const MAX_HEADER_BYTES = 60_000;

/** True when nobody took it in time: the newest of the broker's notes says that it expired in one of the route's partitions. */
export function isEvidence(route: string, { headers }: Packet): boolean {
  const [newest] = deathsOf(headers);
  return newest?.reason === 'expired' && newest.queue.startsWith(`${route}.`) && /\.[0-9]{3}$/.test(newest.queue);
}

/**
 * Where a packet from `<route>.expired` goes: parked, without the broker's notes and with counts of our own; or, when it
 * was put back often enough or is no message of ours, to the dead letters. `now`: epoch ms.
 */
export function parkingOf(route: string, packet: Packet, maxRedrives: number, now: number): Placing {
  const message = messageOf(packet);
  if (typeof message === 'string') return burial(route, packet, message, now);
  const reason = deathsOf(packet.headers)[0]?.reason ?? 'unknown';
  const redriven = message.redriven ?? 0;
  if (redriven >= maxRedrives)
    return burial(route, packet, `nobody handled it in ${redriven + 1} tries; the last one ended with: ${reason}`, now);
  const headers: HeaderTable = {
    ...withoutDeaths(packet.headers),
    'first-expired-at': wholeOf(packet.headers['first-expired-at'], now),
    'last-expired-at': now,
    expiries: wholeOf(packet.headers['expiries'], 0) + 1,
  };
  return { exchange: parked(route), packet: { ...packet, headers } };
}

/** Where a parked packet goes when its route is closed: past the gate to its partition, its count one higher. */
export function redriveOf(route: string, packet: Packet, now: number): Placing {
  const message = messageOf(packet);
  if (typeof message === 'string') return burial(route, packet, message, now);
  const headers = { ...withoutDeaths(packet.headers), redriven: (message.redriven ?? 0) + 1 };
  return { exchange: hash(route), packet: { ...packet, headers } };
}

/** A parked packet for the listing; `undefined`: it is no message of ours. */
export function parkedItemOf(route: string, packet: Packet): ParkedItem | undefined {
  const message = messageOf(packet);
  if (typeof message === 'string') return undefined;
  const { id, type, key, correlationId, redriven = 0 } = message;
  const lastExpiredAt = wholeOf(packet.headers['last-expired-at'], 0);
  const firstExpiredAt = wholeOf(packet.headers['first-expired-at'], lastExpiredAt);
  const expiries = wholeOf(packet.headers['expiries'], 1);
  return { route, messageId: id, type, key, correlationId, firstExpiredAt, lastExpiredAt, expiries, redriven };
}

/** The message, or why it is none. */
function messageOf(packet: Packet): Message | string {
  if (JSON.stringify(packet.headers).length > MAX_HEADER_BYTES) return 'its headers are too long to be sent again';
  try {
    return decode(packet);
  } catch (error) {
    if (error instanceof InvalidMessage) return error.message;
    throw error;
  }
}

function burial(route: string, packet: Packet, reason: string, now: number): Placing {
  const kept = withoutDeaths(packet.headers);
  const headers: HeaderTable = {
    ...(JSON.stringify(kept).length > MAX_HEADER_BYTES ? {} : kept),
    'dead-reason': reason.slice(0, 1000),
    'dead-route': route,
    'dead-attempts': wholeOf(packet.headers['redriven'], 0),
    'dead-at': new Date(now).toISOString(),
  };
  return { exchange: dead(route), packet: { ...packet, headers }, deadBecause: reason };
}

function wholeOf(value: HeaderValue | undefined, otherwise: number): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : otherwise;
}
