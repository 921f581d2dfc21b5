import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { connected } from './rate.ts';
import { projectDir } from '#local/stack/own-process.ts';
import type { GateName, Policy } from '#services/circuit-breaker/breaker.ts';
import { REDRIVE, type RedrivePolicy } from '#services/circuit-breaker/pace.ts';
import type { Point } from '#services/circuit-breaker/route-breaker.ts';
import { createTally } from '#services/circuit-breaker/tally.ts';
import { type ActingTerm, startTerm } from '#services/circuit-breaker/term.ts';
import { createBoard, watchSnapshots } from '#services/circuit-breaker/board.ts';
import { routeTable } from '#services/services.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { state as stateOf } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';

const GATEWAYS = 3;
const ROUND: readonly GateName[] = ['half_open', 'open', 'half_open', 'closed'];

export interface Transitions {
  /** Each stored, applied and broadcast, ms; and its parts, each from the end of the one before. */
  readonly transitionMs: readonly number[];
  readonly partMs: Readonly<Record<Point, readonly number[]>>;
  /** Of one bare question to the broker, asked right after each transition: what any round trip takes then. */
  readonly roundTripMs: readonly number[];
  /** Of each that opened the route: from the decision until the last of three gateways refused, ms. */
  readonly refusedMs: readonly number[];
}

/**
 * Moves the gate of `payment` through its states. With `load`, another process publishes orders at full speed meanwhile:
 * in this one it would be its own event loop that is measured.
 */
export async function transitions(amqpUrl: string, count: number, load: boolean): Promise<Transitions> {
  const bus = await connected(amqpUrl, 'bench-breaker');
  const partMs: Record<Point, number[]> = { stored: [], applied: [], broadcast: [] };
  let last = 0;
  const onPoint = (point: Point): void => {
    partMs[point].push(performance.now() - last);
    last = performance.now();
  };
  const policy = { ttlMs: 60_000, delayMs: 2000, cycleMs: 120_000, badCycles: 3 };
  const term = await act(bus, amqpUrl, policy, { onPoint });
  const gateways = await Promise.all(
    Array.from({ length: GATEWAYS }, async (_, n) => {
      const own = await connected(amqpUrl, `bench-gateway-${n}`);
      const board = createBoard(systemClock);
      watchSnapshots(board, { bus: own, log: silentLog });
      while (board.all().length === 0) await systemClock.sleep(20);
      return { board, close: () => own.close() };
    }),
  );
  const stopLoad = load ? await startLoad(amqpUrl) : async () => {};

  const breaker = term.routes.get('payment')?.breaker;
  if (breaker === undefined) throw new Error('the route payment has no breaker');
  const transitionMs: number[] = [];
  const refusedMs: number[] = [];
  const roundTripMs: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const state = ROUND[n % ROUND.length] ?? 'closed';
    const known = gateways.map(({ board }) => heard(board, state));
    const start = performance.now();
    last = start;
    await breaker.override({ state, until: systemClock.now() + 3_600_000 });
    transitionMs.push(performance.now() - start);
    const knownAt = Math.max(...(await Promise.all(known)));
    if (state === 'open') refusedMs.push(knownAt - start);
    const askedAt = performance.now();
    await term.session.depth(stateOf('payment'));
    roundTripMs.push(performance.now() - askedAt);
    await systemClock.sleep(10);
  }
  await breaker.clearOverride();
  await stopLoad();
  term.end();
  await Promise.all(gateways.map(({ close }) => close()));
  await bus.close();
  return { transitionMs, partMs, refusedMs, roundTripMs };
}

/** A breaker that acts for every route, and broadcasts. */
export async function act(
  bus: Bus,
  name: string,
  policy: Policy,
  { onPoint = () => {}, redrive = REDRIVE }: { onPoint?: (point: Point) => void; redrive?: RedrivePolicy } = {},
): Promise<ActingTerm> {
  const term = await startTerm(await bus.session(), {
    bus,
    clock: systemClock,
    log: silentLog,
    name,
    policies: new Map(routeTable.routes.map((route) => [route, policy])),
    maxRedrives: 5,
    redrive,
    tally: createTally(),
    onDecision() {},
    onPoint,
    distrust: () => undefined,
  });
  term.begin();
  return term;
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

async function startLoad(amqpUrl: string): Promise<() => Promise<void>> {
  const child = fork(join(projectDir, 'bench/gate/load-process.ts'), [amqpUrl]);
  await once(child, 'message');
  return async () => {
    const ended = once(child, 'exit');
    child.send('stop');
    await ended;
  };
}
