import type { Bus, Session } from '#shared/bus/bus.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

export interface Depths {
  /** How many wait in the queue, when it was last asked; 0 before. */
  of(queue: string): number;
  /** So many more, or fewer, since it was asked. */
  add(queue: string, count: number): void;
}

const EVERY_MS = 1000;

/** Asks for the depths of the `queues` every second, on a connection of its own: a busy queue must not hold up a transition. */
export function watchDepths(options: {
  readonly bus: Pick<Bus, 'session'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Those that may hold something now; the others keep the depth that they had. */
  readonly queues: () => readonly string[];
  readonly ended: AbortSignal;
}): Depths {
  const { bus, clock, log, queues, ended } = options;
  const depths = new Map<string, number>();
  const changes = new Map<string, number>();
  const pause = (): Promise<void> => clock.sleep(EVERY_MS, ended).catch(() => {});

  async function ask(session: Session): Promise<void> {
    while (!ended.aborted) {
      for (const queue of queues()) {
        const before = changes.get(queue);
        const depth = await session.depth(queue);
        // Whatever changed meanwhile may or may not be counted in the answer: the next one tells.
        if (changes.get(queue) === before) depths.set(queue, depth);
      }
      await pause();
    }
  }

  async function run(): Promise<void> {
    while (!ended.aborted) {
      let session: Session | undefined;
      const close = (): void => void session?.close();
      try {
        session = await bus.session();
        ended.addEventListener('abort', close);
        await ask(session);
      } catch (error) {
        if (!ended.aborted) log.debug('cannot count what waits', { reason: reasonOf(error) });
      }
      ended.removeEventListener('abort', close);
      await session?.close();
      await pause();
    }
  }

  void run();
  return {
    of: (queue) => depths.get(queue) ?? 0,
    add(queue, count) {
      depths.set(queue, Math.max(0, (depths.get(queue) ?? 0) + count));
      changes.set(queue, (changes.get(queue) ?? 0) + 1);
    },
  };
}
