import { z } from 'zod';
import type { AskBreaker } from './breakers.ts';
import type { BreakerBoard } from './snapshot.ts';
import type { Workers } from './workers.ts';
import { BREAKER_REQUEST, MAX_PARKED_LISTED, type ParkedItem } from '#services/circuit-breaker/contract.ts';
import type { Clock } from '#shared/clock.ts';
import { PublishError } from '#shared/errors.ts';
import { Late } from '#shared/within.ts';

/** What is read of a timeline; all the rest stays as it is. */
const waiting = z.looseObject({ waitingFor: z.looseObject({ message: z.string(), since: z.string() }) });

/** The same timeline, whose wait says that its message has expired, and why nobody took it. */
export type WhereItWaits = (orderId: string, timeline: object) => Promise<object>;

/** One look into a queue serves everybody who asks so soon after. */
const LOOK_MS = 2000;

export function createWhereItWaits({
  board,
  askBreaker,
  workers,
  clock,
}: {
  readonly board: Pick<BreakerBoard, 'find'>;
  readonly askBreaker: AskBreaker;
  readonly workers: Pick<Workers, 'roll'>;
  readonly clock: Clock;
}): WhereItWaits {
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
    return workers.roll
      .all()
      .some(({ announcement }) => announcement.route === route && Object.keys(announcement.registrations).length > 0);
  }

  return async (orderId, timeline) => {
    const { waitingFor } = waiting.safeParse(timeline).data ?? {};
    if (waitingFor === undefined) return timeline;
    const [route = ''] = waitingFor.message.split('.', 1);
    const breaker = board.find(route)?.breaker;
    if (breaker === undefined || breaker.parked === 0) return timeline;
    if (clock.now() - Date.parse(waitingFor.since) < breaker.policy.ttlMs) return timeline;
    const isIt = ({ correlationId, type }: ParkedItem): boolean =>
      correlationId === orderId && type === waitingFor.message;
    const item = (await parkedOn(route)).find(isIt);
    if (item === undefined) return timeline;
    const since = new Date(item.firstExpiredAt).toISOString().slice(11, 19);
    const why = isWorkedOn(route) ? `${route} did not take it in time` : `nobody works on ${route}`;
    const reason = `parked since ${since}: ${why}`;
    return { ...timeline, waitingFor: { ...waitingFor, reason } };
  };
}
