import { z } from 'zod';
import { type BreakerState, initially } from './breaker.ts';
import { overrideSchema, transitionSchema } from './contract.ts';
import type { Delivery, Session } from '#shared/bus/bus.ts';
import { state as stateOf } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { reasonOf } from '#shared/errors.ts';

const machineSchema = z.discriminatedUnion('name', [
  z.object({ name: z.literal('closed'), cycle: z.int() }),
  z.object({ name: z.literal('half_open'), cycle: z.int(), expired: z.int(), badCycles: z.int() }),
  z.object({ name: z.literal('open'), cycle: z.int(), expired: z.int() }),
]);

const storedSchema = z.object({
  state: z
    .object({
      machine: machineSchema,
      override: overrideSchema.exactOptional(),
      generation: z.int(),
    })
    .readonly(),
  /** Epoch ms since when the gate is so. */
  since: z.int(),
  /** Newest first. */
  transitions: z.array(transitionSchema).readonly(),
});

/** What a breaker remembers beyond its process. */
export interface StoredBreaker {
  readonly state: BreakerState;
  readonly since: number;
  readonly transitions: readonly z.infer<typeof transitionSchema>[];
}

/** What a new leader finds. `held`: the message, to be acknowledged after it was published again. */
export interface Found {
  readonly stored: StoredBreaker;
  readonly held?: Delivery;
  /** Why what was there could not be used. */
  readonly problem?: string;
}

const STORED_TRANSITIONS = 20;
/** A dead leader's message may come back to the queue a moment after its lock was released. */
const EMPTY = { tries: 4, pauseMs: 100 };

/**
 * Takes the stored state, if there is one; an empty queue means closed. What cannot be read counts as half-open: it
 * accepts, it trusts nobody, and one clean cycle closes it.
 */
export async function takeState(session: Session, route: string, clock: Clock): Promise<Found> {
  for (let tries = 1; ; tries += 1) {
    const held = await session.get(stateOf(route));
    if (held !== undefined) return { ...parsed(held.packet.content, clock.now()), held };
    if (tries >= EMPTY.tries) return { stored: { state: initially, since: clock.now(), transitions: [] } };
    await clock.sleep(EMPTY.pauseMs);
  }
}

/** Replaces the stored state; resolves when the broker confirmed it. */
export async function putState(session: Session, route: string, stored: StoredBreaker): Promise<void> {
  const body = { ...stored, transitions: stored.transitions.slice(0, STORED_TRANSITIONS) };
  await session.publish(stateOf(route), {
    content: Buffer.from(JSON.stringify(body)),
    contentType: 'application/json',
    headers: {},
  });
}

function parsed(content: Buffer, now: number): Pick<Found, 'stored' | 'problem'> {
  try {
    const read = storedSchema.safeParse(JSON.parse(content.toString()));
    if (read.success) return { stored: read.data };
    throw new Error(z.prettifyError(read.error));
  } catch (error) {
    // A generation above every one that was counted, so that nobody takes the new state for an old one.
    const state: BreakerState = {
      machine: { name: 'half_open', cycle: 0, expired: 0, badCycles: 0 },
      generation: now,
    };
    return { stored: { state, since: now, transitions: [] }, problem: reasonOf(error) };
  }
}
