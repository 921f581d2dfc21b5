import { isDeepStrictEqual } from 'node:util';
import type { ParkedItem } from './contract.ts';
import type { HeaderTable, HeaderValue, Packet } from '#shared/bus/bus.ts';
import { deadLetterHeaders } from '#shared/bus/dead-letter.ts';
import { deathsOf, withoutDeaths } from '#shared/bus/deaths.ts';
import { decode } from '#shared/bus/envelope.ts';
import { resendable } from '#shared/bus/resendable.ts';
import { dead, hash, parked } from '#shared/bus/topology/topology.ts';
import { InvalidMessage } from '#shared/errors.ts';
import { type Message, WAKE } from '#shared/message.ts';

/** Where a packet goes, and as what. */
export interface Placing {
  readonly exchange: string;
  readonly packet: Packet;
  /** Why it is not tried again; absent: it is. */
  readonly deadBecause?: string;
}

const TOO_LONG = 'its headers or ids are too long to be sent again';

/**
 * True when nobody took it in time: the newest of the broker's notes says that it expired in one of the route's partitions. What its
 * publisher let expire sooner says nothing of the route, and a wake is sent again when it is needed.
 */
export function isEvidence(route: string, packet: Packet): boolean {
  const [newest] = deathsOf(packet.headers);
  if (isWake(packet) || newest?.reason !== 'expired' || newest.byPublisher) return false;
  return newest.queue.startsWith(`${route}.`) && /\.[0-9]{3}$/.test(newest.queue);
}

/** A wake that expired is worth nothing: the sweep wakes a key that is due again. */
export function isWake({ type }: Packet): boolean {
  return type === WAKE;
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
  return placed(parked(route), packet, {
    'first-expired-at': wholeOf(packet.headers['first-expired-at'], now),
    'last-expired-at': now,
    expiries: wholeOf(packet.headers['expiries'], 0) + 1,
  });
}

/** Where a parked packet goes when its route is closed: past the gate to its partition, its count one higher. */
export function redriveOf(route: string, packet: Packet, now: number): Placing {
  const message = messageOf(packet);
  if (typeof message === 'string') return burial(route, packet, message, now);
  return placed(hash(route), packet, { redriven: (message.redriven ?? 0) + 1 });
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

/** The message, or why it is none that can be sent again. */
function messageOf(packet: Packet): Message | string {
  const message = decoded(packet);
  const bare = { ...packet, headers: withoutDeaths(packet.headers) };
  const sendable = resendable(bare);
  return sendable === bare || typeof message === 'string' || isDeepStrictEqual(decoded(sendable), message)
    ? message
    : TOO_LONG;
}

/** The message, or why it is none of ours. */
function decoded(packet: Packet): Message | string {
  try {
    return decode(packet);
  } catch (error) {
    if (error instanceof InvalidMessage) return error.message;
    throw error;
  }
}

function burial(route: string, packet: Packet, reason: string, now: number): Placing {
  const attempts = wholeOf(packet.headers['redriven'], 0);
  const notes = deadLetterHeaders({ reason, route, attempts, at: now });
  return { ...placed(dead(route), packet, notes), deadBecause: reason };
}

/** Without the broker's notes, with ours, and never with more than can be sent. */
function placed(exchange: string, packet: Packet, notes: HeaderTable): Placing {
  const headers = { ...withoutDeaths(packet.headers), ...notes };
  return { exchange, packet: resendable({ ...packet, headers }) };
}

function wholeOf(value: HeaderValue | undefined, otherwise: number): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : otherwise;
}
