import {
  BREAKER_REPLY,
  BREAKER_REQUEST,
  type Breaker,
  type BreakerReply,
  type BreakerRequest,
  breakerRequestSchema,
  type Snapshot,
} from '#services/circuit-breaker/contract.ts';
import { createAsking } from '#shared/control/ask.ts';
import { breakerReplySchema } from '#services/circuit-breaker/contract.ts';
import { watchSnapshots } from '#services/circuit-breaker/board.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { CONTROL, SNAPSHOT } from '#shared/bus/topology/topology.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { silentLog as log } from '#shared/log.ts';
import { startWorld } from '#test/services/gateway/world.ts';

export const policy = { ttlMs: 1000, delayMs: 500, cycleMs: 4000, badCycles: 3 };

export function aBreaker(route: string, changes: Partial<Breaker> = {}): Breaker {
  const state = changes.state ?? 'closed';
  return {
    route,
    state,
    machine: state,
    cycle: 0,
    badCycles: 0,
    expired: 0,
    generation: 0,
    since: 0,
    cycleEndsAt: null,
    policy,
    transitions: [],
    redriven: 0,
    expiredTotal: 0,
    parked: 0,
    delayed: 0,
    problems: [],
    ...changes,
  };
}

/** One that is open for another `leftMs`. */
export function anOpen(route: string, now: number, leftMs: number, changes: Partial<Breaker> = {}): Breaker {
  return aBreaker(route, { state: 'open', generation: 2, cycleEndsAt: now + leftMs, ...changes });
}

export function aSnapshot(breakers: readonly Breaker[], at: number): Snapshot {
  return { at, leader: 'a', breakers: [...breakers] };
}

export async function broadcast(bus: Bus, snapshot: Snapshot): Promise<void> {
  const content = Buffer.from(JSON.stringify(snapshot));
  await bus.publish(SNAPSHOT, { content, contentType: 'application/json', headers: {} });
}

/** A gateway that hears and asks the breaker over this bus. */
export async function startListening(bus: Bus, options: Parameters<typeof startWorld>[0] = {}) {
  const asking = createAsking({
    bus,
    clock,
    log,
    replyKey: BREAKER_REPLY,
    reply: breakerReplySchema,
    waitMs: 3000,
  });
  const world = await startWorld({ ...options, askBreaker: asking.ask });
  const snapshots = watchSnapshots(world.board, { bus, log });
  return {
    ...world,
    async stop() {
      await world.stop();
      await Promise.all([snapshots.close(), asking.close()]);
    },
  };
}

/** The acting breaker, as far as a gateway can see: answers what it is told to. */
export async function startLeader(
  bus: Bus,
  answer: (request: BreakerRequest) => BreakerReply | undefined,
): Promise<{ readonly asked: BreakerRequest[] }> {
  const asked: BreakerRequest[] = [];
  await bus.subscribe(CONTROL, [BREAKER_REQUEST], ({ content }) => {
    const request = breakerRequestSchema.parse(JSON.parse(content.toString()));
    asked.push(request);
    const reply = answer(request);
    if (reply === undefined) return;
    const packet = { content: Buffer.from(JSON.stringify(reply)), headers: {} };
    void bus.publish(CONTROL, packet, BREAKER_REPLY); // its failure is the asker's timeout
  });
  return { asked };
}
