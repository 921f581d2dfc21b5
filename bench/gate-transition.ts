import { connected, swallow } from './gate-rate.ts';
import { orderMessage } from './load.ts';
import type { GateName, Policy } from '#services/circuit-breaker/breaker.ts';
import { createTally } from '#services/circuit-breaker/tally.ts';
import { type ActingTerm, startTerm } from '#services/circuit-breaker/term.ts';
import { createBoard, watchSnapshots } from '#services/gateway/snapshot.ts';
import { routeTable } from '#services/routes.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { inbox } from '#shared/bus/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';

const GATEWAYS = 3;
const ROUND: readonly GateName[] = ['half_open', 'open', 'half_open', 'closed'];

export interface Transitions {
  /** Each stored, applied and broadcast, ms. */
  readonly transitionMs: readonly number[];
  /** Of each that opened the route: from the decision until the last of three gateways refused, ms. */
  readonly refusedMs: readonly number[];
}

/** Moves the gate of `payment` through its states. With `load`, orders are published at full speed meanwhile. */
export async function transitions(amqpUrl: string, count: number, load: boolean): Promise<Transitions> {
  const bus = await connected(amqpUrl, 'bench-breaker');
  const term = await act(bus, amqpUrl, { ttlMs: 60_000, delayMs: 2000, cycleMs: 120_000, badCycles: 3 });
  const gateways = await Promise.all(
    Array.from({ length: GATEWAYS }, async (_, n) => {
      const own = await connected(amqpUrl, `bench-gateway-${n}`);
      const board = createBoard(systemClock);
      watchSnapshots(board, { bus: own, log: silentLog });
      while (board.all().length === 0) await systemClock.sleep(20);
      return { board, close: () => own.close() };
    }),
  );
  const stopLoad = load ? await publishOrders(amqpUrl) : async () => {};

  const breaker = term.routes.get('payment')?.breaker;
  if (breaker === undefined) throw new Error('the route payment has no breaker');
  const transitionMs: number[] = [];
  const refusedMs: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const state = ROUND[n % ROUND.length] ?? 'closed';
    const known = gateways.map(({ board }) => heard(board, state));
    const start = performance.now();
    await breaker.override({ state, until: systemClock.now() + 3_600_000 });
    transitionMs.push(performance.now() - start);
    const last = Math.max(...(await Promise.all(known)));
    if (state === 'open') refusedMs.push(last - start);
    await systemClock.sleep(10);
  }
  await breaker.clearOverride();
  await stopLoad();
  term.end();
  await Promise.all(gateways.map(({ close }) => close()));
  await bus.close();
  return { transitionMs, refusedMs };
}

/** A breaker that acts for every route. */
export async function act(bus: Bus, name: string, policy: Policy): Promise<ActingTerm> {
  return startTerm(await bus.session(), {
    bus,
    clock: systemClock,
    log: silentLog,
    name,
    policies: new Map(routeTable.routes.map((route) => [route, policy])),
    maxRedrives: 5,
    redrive: { startPerS: 5, capPerS: 1000 },
    tally: createTally(),
    onDecision() {},
    onPoint() {},
    distrust: () => undefined,
  });
}

/** Resolves with the moment at which this gateway knew. */
function heard(board: ReturnType<typeof createBoard>, state: GateName): Promise<number> {
  return new Promise((resolve) => {
    const end = board.listen(() => {
      if (board.find('payment')?.breaker.state !== state) return;
      end();
      resolve(performance.now());
    });
  });
}

async function publishOrders(amqpUrl: string): Promise<() => Promise<void>> {
  const bus = await connected(amqpUrl, 'bench-load');
  const stop = await swallow(bus, 'order');
  let publishing = true;
  const publishers = Array.from({ length: 100 }, async () => {
    for (let n = 0; publishing; n += 1) await bus.publish(inbox('order'), encode(orderMessage(systemClock.id(), n)));
  });
  return async () => {
    publishing = false;
    await Promise.all(publishers);
    await stop();
    await bus.close();
  };
}
