import type { AskBreaker } from './breakers.ts';
import type { BreakerBoard } from '#services/circuit-breaker/board.ts';
import {
  BREAKER_REQUEST,
  MAX_PARKED_LISTED,
  type ParkedItem,
  type WaitingMessage,
} from '#services/circuit-breaker/contract.ts';
import type { Clock } from '#shared/clock.ts';
import { PublishError } from '#shared/errors.ts';
import type { Roll } from '#shared/partition/roll.ts';
import { Late } from '#shared/within.ts';

/** Since when a message that nobody answers is parked, and why nobody took it; `undefined`: it is not parked, as far as is known. */
export type WhyParked = (message: WaitingMessage) => Promise<string | undefined>;

/** One look into a queue serves everybody who asks so soon after. */
const LOOK_MS = 2000;

export function createWhereItWaits({
  board,
  askBreaker,
  roll,
  clock,
}: {
  readonly board: Pick<BreakerBoard, 'find'>;
  readonly askBreaker: AskBreaker;
  readonly roll: Pick<Roll, 'all'>;
  readonly clock: Clock;
}): WhyParked {
  const looks = new Map<string, { readonly at: number; readonly items: Promise<readonly ParkedItem[]> }>();

  async function look(route: string): Promise<readonly ParkedItem[]> {
    const question = { id: clock.id(), kind: 'parked', route, limit: MAX_PARKED_LISTED } as const;
    try {
      const reply = await askBreaker(BREAKER_REQUEST, question, { changesNothing: true });
      return reply.ok ? (reply.parked ?? []) : [];
    } catch (error) {
      if (error instanceof Late || error instanceof PublishError) return [];
      throw error;
    }
  }

  function parkedOn(route: string): Promise<readonly ParkedItem[]> {
    const known = looks.get(route);
    if (known !== undefined && clock.now() - known.at < LOOK_MS) return known.items;
    const items = look(route);
    looks.set(route, { at: clock.now(), items });
    return items;
  }

  /** A worker that was told to pause, or whose channels are closed, lives without being registered anywhere. */
  function isWorkedOn(route: string): boolean {
    return roll
      .all()
      .some(({ announcement }) => announcement.route === route && Object.keys(announcement.registrations).length > 0);
  }

  return async (message) => {
    const [route = ''] = message.type.split('.', 1);
    const breaker = board.find(route)?.breaker;
    if (breaker === undefined || breaker.parked === 0) return undefined;
    if (clock.now() - Date.parse(message.since) < breaker.policy.ttlMs) return undefined;
    const isIt = ({ correlationId, type }: ParkedItem): boolean =>
      correlationId === message.correlationId && type === message.type;
    const item = (await parkedOn(route)).find(isIt);
    if (item === undefined) return undefined;
    const since = new Date(item.firstExpiredAt).toISOString().slice(11, 19);
    return `parked since ${since}: ${isWorkedOn(route) ? `${route} did not take it in time` : `nobody works on ${route}`}`;
  };
}
