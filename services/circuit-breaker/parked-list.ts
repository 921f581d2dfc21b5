import type { ParkedItem } from './contract.ts';
import { parkedItemOf } from './placing.ts';
import type { Bus, Delivery, Session } from '#shared/bus/bus.ts';
import { parked } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';

/** Of one route, from the head of its queue: the longest parked. */
const LISTED_MESSAGES = 2000;

export interface ParkedList {
  /** Somebody looks at the queue of this route now. */
  isRead(route: string): boolean;
  /** What is parked, in no particular order: of what came first, `LISTED_MESSAGES` at most. Those who ask at the same time get the same. */
  read(route: string): Promise<readonly ParkedItem[]>;
}

const POLL_MS = 20;
/** How long the count is waited for: a message may be redriven or parked meanwhile, so that it is never reached. */
const PATIENCE_MS = 2000;

/**
 * Looks into the queues of what is parked: takes the messages, gives them back to their places, and waits until they are there.
 * On a connection of its own, for as long as that takes.
 */
export function createParkedList(bus: Pick<Bus, 'session'>, clock: Clock): ParkedList {
  const readings = new Map<string, Promise<readonly ParkedItem[]>>();

  async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    const giveUpAt = clock.now() + PATIENCE_MS;
    while (!(await condition()) && clock.now() < giveUpAt) await clock.sleep(POLL_MS);
  }

  async function look(session: Session, route: string): Promise<readonly ParkedItem[]> {
    const queue = parked(route);
    const there = Math.min(await session.depth(queue), LISTED_MESSAGES);
    if (there === 0) return [];
    const taken: Delivery[] = [];
    await session.consume(queue, LISTED_MESSAGES, (delivery) => taken.push(delivery));
    await until(() => taken.length >= there);
    return taken.flatMap(({ packet }) => parkedItemOf(route, packet) ?? []);
  }

  async function read(route: string): Promise<readonly ParkedItem[]> {
    const session = await bus.session();
    let items: readonly ParkedItem[];
    try {
      items = await look(session, route);
    } finally {
      // The broker puts back what it had given, in order.
      await session.close();
    }
    if (items.length > 0) await returned(route, items.length);
    return items;
  }

  async function returned(route: string, count: number): Promise<void> {
    const session = await bus.session();
    try {
      await until(async () => (await session.depth(parked(route))) >= count);
    } finally {
      await session.close();
    }
  }

  return {
    isRead: (route) => readings.has(route),
    read(route) {
      const running = readings.get(route);
      if (running !== undefined) return running;
      const reading = read(route).finally(() => readings.delete(route));
      readings.set(route, reading);
      return reading;
    },
  };
}
