import { packetOfLetter } from './letter.ts';
import type { LetterStore, Marked } from './store.ts';
import { wayBack } from './way-back.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { inbox } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { limited } from '#shared/database/limited.ts';
import { PublishError, reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

export interface Replaying {
  /** Something was marked: looks at once. */
  look(): void;
  /** Finishes the letter in hand and lets another copy go on. */
  stop(): Promise<void>;
}

export interface ReplayingOptions {
  readonly bus: Pick<Bus, 'publish'>;
  readonly store: Pick<LetterStore, 'next' | 'replayed' | 'delayed' | 'givenUp' | 'takeTurn' | 'leaveTurn'>;
  /** Those that there are. */
  readonly routes: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  /** Of this copy, the same after a restart: then it goes on at once where it was killed. */
  readonly holder: string;
  /** How long the right to replay outlives a copy that died. */
  readonly turnMs?: number;
}

const TURN_MS = 10_000;
/** How long a route that took nothing is left alone. */
const ROUTE_REST_MS = 2000;
const POLL_MS = 1000;

/**
 * Publishes what is marked as `replaying`, one after another, each request at its own rate, and marks it when the broker has
 * confirmed it. Killed before the mark, it publishes the same message again under the same id, which receivers recognise.
 * One copy at a time does this, for the rate's sake only: two would do the same twice.
 */
export function startReplaying(options: ReplayingOptions): Replaying {
  const { bus, routes, clock, log, holder, turnMs = TURN_MS } = options;
  const store = limited(options.store, clock);
  /** Until when (epoch ms) nothing of this request, or to this route, is published. */
  const resting = { requests: new Map<string, number>(), routes: new Map<string, number>() };
  let turnUntil = 0;
  let nothingElseUntil = 0;
  let asked = true;
  let stopped = false;
  let sleeping = new AbortController();

  async function sleep(ms: number): Promise<void> {
    if (stopped || asked || ms <= 0) return;
    sleeping = new AbortController();
    await clock.sleep(ms, sleeping.signal).catch(() => {});
  }

  async function isMyTurn(): Promise<boolean> {
    const now = clock.now();
    if (now < turnUntil - turnMs / 2) return true;
    const mine = await store.takeTurn(holder, new Date(now), turnMs);
    turnUntil = mine ? now + turnMs : 0;
    return mine;
  }

  function soonestMs(): number {
    const now = clock.now();
    for (const map of [resting.requests, resting.routes])
      for (const [name, until] of map) if (until <= now) map.delete(name);
    const ends = [...resting.requests.values(), ...resting.routes.values()];
    return ends.length === 0 ? POLL_MS : Math.min(POLL_MS, ...ends.map((until) => until - now));
  }

  async function step(): Promise<void> {
    const waitMs = soonestMs();
    const isResting = resting.requests.size + resting.routes.size > 0;
    if (isResting && !asked && clock.now() < nothingElseUntil) return sleep(waitMs);
    asked = false;
    if (!(await isMyTurn())) return sleep(POLL_MS);
    const letter = await store.next({ requests: [...resting.requests.keys()], routes: [...resting.routes.keys()] });
    if (letter !== undefined) return publish(letter);
    nothingElseUntil = clock.now() + POLL_MS;
    return sleep(waitMs);
  }

  async function publish(letter: Marked): Promise<void> {
    const { route, packet, replay } = letter;
    if (!routes.includes(route)) return store.givenUp(letter, `there is no route ${route}`);
    const again = packetOfLetter(packet);
    const exchange = wayBack(route, again.headers);
    resting.requests.set(replay.id, clock.now() + 1000 / replay.ratePerS);
    try {
      await bus.publish(exchange, again);
    } catch (error) {
      return unpublished(letter, exchange, error);
    }
    await store.replayed(letter, new Date(clock.now()));
    log.info('dead letter replayed', { route, message: packet.messageId, type: packet.type, by: replay.by });
  }

  async function unpublished(letter: Marked, exchange: string, error: unknown): Promise<void> {
    if (!(error instanceof PublishError)) {
      log.error('a dead letter cannot be replayed', { letter: letter._id, reason: reasonOf(error) });
      return store.givenUp(letter, reasonOf(error));
    }
    resting.routes.set(letter.route, clock.now() + ROUTE_REST_MS);
    if (error.code === 'returned')
      await store.delayed(letter, exchange === inbox(letter.route) ? 'the route is open' : reasonOf(error));
    else if (error.code === 'nacked') await store.delayed(letter, reasonOf(error));
  }

  async function run(): Promise<void> {
    let failing = false;
    while (!stopped) {
      try {
        await step();
        failing = false;
      } catch (error) {
        if (!failing) log.warn('replaying waits for the database', { reason: reasonOf(error) });
        failing = true;
        asked = false;
        await sleep(POLL_MS);
      }
    }
    if (turnUntil > 0) await store.leaveTurn(holder).catch(() => {});
  }

  const ended = run();
  return {
    look() {
      asked = true;
      sleeping.abort();
    },
    async stop() {
      stopped = true;
      sleeping.abort();
      await ended;
    },
  };
}
