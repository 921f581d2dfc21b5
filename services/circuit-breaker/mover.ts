import { redriveOf } from './redrive.ts';
import { backoffMs } from '#shared/backoff.ts';
import type { Bus, Consumer, Delivery, Packet } from '#shared/bus/bus.ts';
import { expired } from '#shared/bus/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

export interface MoverPolicy {
  /** How often a message is put back before it becomes a dead letter. */
  readonly maxRedrives: number;
  /** The wait before what expired is put back; grows while the same messages keep coming. */
  readonly pause: { readonly baseMs: number; readonly capMs: number };
  /** After this long without an expiry the pause is short again. More than the TTL, or it would never grow. */
  readonly quietMs: number;
}

export interface MoverOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
  readonly routes: readonly string[];
  readonly policy: MoverPolicy;
  /** Told of each message that was moved, after its confirm. */
  readonly onMoved?: (route: string, to: 'redriven' | 'dead') => void;
}

/** Messages of one route that may be on their way back at once. */
const PREFETCH = 1000;

/**
 * Puts what is in each `<route>.expired` back to its route. A message is acknowledged there after its copy was
 * confirmed: it may be doubled, never lost. Resolves once every route is consumed.
 */
export async function startMover(options: MoverOptions): Promise<{ readonly active: boolean; stop(): Promise<void> }> {
  const movers = await Promise.all(options.routes.map((route) => moveRoute(route, options)));
  return {
    get active() {
      return movers.every((mover) => mover.active);
    },
    async stop() {
      await Promise.all(movers.map((mover) => mover.stop()));
    },
  };
}

async function moveRoute(route: string, options: MoverOptions): ReturnType<typeof startMover> {
  const { bus, clock, log, policy, onMoved } = options;
  const stopping = new AbortController();
  const growth = createGrowth(policy);
  let waiting: Delivery[] = [];
  const lost = new Set<number>();
  let arrived = Promise.withResolvers<void>();

  const consumer: Consumer = await bus.consume(expired(route), {
    prefetch: PREFETCH,
    onDelivery(delivery) {
      waiting.push(delivery);
      arrived.resolve();
    },
    onChannelLost(channel) {
      lost.add(channel);
    },
  });

  /** Undefined: it is elsewhere now. Otherwise why it is not. */
  async function move({ packet }: Delivery): Promise<string | undefined> {
    const target = redriveOf(route, packet, policy.maxRedrives, clock.now());
    try {
      await bus.publish(target.exchange, target.packet);
    } catch (error) {
      return reasonOf(error);
    }
    const { deadBecause } = target;
    if (deadBecause !== undefined)
      log.error('dead letter', { route, messageId: packet.messageId, reason: deadBecause });
    onMoved?.(route, deadBecause === undefined ? 'redriven' : 'dead');
    return undefined;
  }

  async function round(): Promise<void> {
    await arrived.promise;
    await clock.sleep(growth.pauseMs(waiting, clock), stopping.signal);
    arrived = Promise.withResolvers();
    const batch = waiting.filter(({ channel }) => !lost.has(channel));
    waiting = [];
    const problems = await Promise.all(batch.map(move));
    consumer.ack(batch.filter((_, index) => problems[index] === undefined));
    waiting = [...batch.filter((_, index) => problems[index] !== undefined), ...waiting];
    if (waiting.length > 0) arrived.resolve();
    const failures = problems.filter((problem) => problem !== undefined);
    if (failures.length > 0)
      log.warn('cannot put expired messages back yet', { route, count: failures.length, reason: failures[0] });
    if (failures.length < batch.length)
      log.info('put expired messages back', { route, count: batch.length - failures.length });
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await round().catch((error: unknown) => {
        if (!stopping.signal.aborted) throw error;
      });
    }
  }

  const running = run();
  return {
    get active() {
      return consumer.active;
    },
    async stop() {
      stopping.abort(new Error('stopping'));
      arrived.resolve();
      await running;
      await consumer.close();
    },
  };
}

/** The pause grows each time that messages come back which were put back before, and only then: a backlog goes on at the short one. */
function createGrowth({ pause, quietMs }: MoverPolicy): { pauseMs(batch: readonly Delivery[], clock: Clock): number } {
  let lastAt = -Infinity;
  let generation = 0;
  let step = 1;
  return {
    pauseMs(batch, clock) {
      const newest = batch.reduce((highest, { packet }) => Math.max(highest, redrivenOf(packet)), 0);
      const isQuiet = clock.now() - lastAt > quietMs;
      if (isQuiet) step = 1;
      const grows = !isQuiet && newest > generation;
      if (grows) step += 1;
      generation = isQuiet ? newest : Math.max(generation, newest);
      const waitMs = backoffMs(pause, isQuiet || grows ? step : 1, clock.random);
      lastAt = clock.now() + waitMs;
      return waitMs;
    },
  };
}

function redrivenOf({ headers }: Packet): number {
  return typeof headers['redriven'] === 'number' ? headers['redriven'] : 0;
}
