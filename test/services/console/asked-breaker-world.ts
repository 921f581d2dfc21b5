import { aBreaker, aSnapshot, broadcast, startLeader, startListening } from './breaker-world.ts';
import type { BreakerReply, BreakerRequest } from '#services/circuit-breaker/contract.ts';
import { routeTable } from '#services/services.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { topologyOf } from '#shared/bus/topology/topology.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { until } from '#test/support/until.ts';

export const operator = { as: 'root', role: 'operator' } as const;

/** With a gateway that hears and asks a breaker; without `answer` no breaker runs. */
export async function inWorld(
  run: (world: Awaited<ReturnType<typeof setUp>>) => Promise<void>,
  answer?: (request: BreakerRequest) => BreakerReply | undefined,
  options?: Parameters<typeof startListening>[1],
): Promise<void> {
  const world = await setUp(answer, options);
  try {
    await run(world);
  } finally {
    await world.stop();
  }
}

async function setUp(
  answer?: (request: BreakerRequest) => BreakerReply | undefined,
  options?: Parameters<typeof startListening>[1],
) {
  const broker = createMemoryBroker({ clock });
  broker.apply(topologyOf(routeTable, { ttlMs: 10_000, delayMs: 2000 }, 'test'));
  const bus = broker.connect('gateway');
  const breaker = broker.connect('circuit-breaker');
  const leader = answer && (await startLeader(breaker, answer));
  let returned = 0;
  const counting: Pick<typeof bus, 'publish'> = {
    publish: (...message) =>
      bus.publish(...message).catch((error: unknown) => {
        returned += 1;
        throw error;
      }),
  };
  const world = await startListening({ ...bus, ...counting }, options);
  return {
    ...world,
    get returned() {
      return returned;
    },
    asked: leader?.asked ?? [],
    lead: (answers: NonNullable<typeof answer>) => startLeader(breaker, answers),
    async report(...breakers: ReturnType<typeof aBreaker>[]) {
      await broadcast(breaker, aSnapshot(breakers, clock.now()));
      await until(
        'the gateway knows',
        () => world.board.all(),
        (all) => all.length >= breakers.length,
        { everyMs: 1 },
      );
    },
    async stop() {
      await world.stop();
      await Promise.all([bus.close(), breaker.close()]);
      broker.close();
    },
  };
}

export const at = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
export const opened = aBreaker('payment', {
  state: 'open',
  cycle: 7,
  expired: 2,
  generation: 9,
  since: at,
  cycleEndsAt: at + 4000,
  override: { state: 'open', until: at + 9000 },
  transitions: [{ from: 'half_open', to: 'open', at, cycle: 7, expired: 31, cause: '3 bad cycles in a row' }],
  parked: 4,
});
