import type { HeaderTable, Packet } from '#shared/bus/bus.ts';
import { deathsOf, withoutDeaths } from '#shared/bus/deaths.ts';
import { decode } from '#shared/bus/envelope.ts';
import { dead, hash } from '#shared/bus/topology.ts';
import { InvalidMessage } from '#shared/errors.ts';

/** Where an expired packet goes, and as what. */
export interface Redrive {
  readonly exchange: string;
  readonly packet: Packet;
  /** Why it is not tried again; absent: it is. */
  readonly deadBecause?: string;
}

/**
 * Back to the route's partitions, with the broker's notes stripped and its own count one higher; to `<route>.dead` when it
 * was tried often enough or is no message of ours. `now`: epoch ms.
 */
export function redriveOf(route: string, packet: Packet, maxRedrives: number, now: number): Redrive {
  const headers = withoutDeaths(packet.headers);
  const bury = (deadBecause: string, redriven: number): Redrive => ({
    exchange: dead(route),
    packet: { ...packet, headers: { ...headers, ...deadHeaders(route, deadBecause, redriven, now) } },
    deadBecause,
  });
  let redriven: number;
  try {
    redriven = decode(packet).redriven ?? 0;
  } catch (error) {
    if (!(error instanceof InvalidMessage)) throw error;
    return bury(error.message, 0);
  }
  if (redriven >= maxRedrives) {
    const reason = deathsOf(packet.headers)[0]?.reason ?? 'unknown';
    return bury(`nobody handled it in ${redriven + 1} tries; the last one ended with: ${reason}`, redriven);
  }
  return { exchange: hash(route), packet: { ...packet, headers: { ...headers, redriven: redriven + 1 } } };
}

function deadHeaders(route: string, reason: string, attempts: number, now: number): HeaderTable {
  return {
    'dead-reason': reason.slice(0, 1000),
    'dead-route': route,
    'dead-attempts': attempts,
    'dead-at': new Date(now).toISOString(),
  };
}
