/** The same small saga on the real engine, over the in-memory broker and store, under the virtual clock. */
import test from 'ava';
import { timing } from './drive.ts';
import * as trip from './trip.ts';
import { createVirtualClock } from '#test/support/virtual-clock.ts';
import { encode } from '#shared/bus/envelope.ts';
import { createMemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import { hash, partitionQueues, topologyOf, type RouteTable } from '#shared/bus/topology/topology.ts';
import { createEngine } from '#shared/entity/engine.ts';
import { answering, on, type Entity } from '#shared/entity/entity.ts';
import { limitsFor } from '#shared/entity/options.ts';
import { createMemoryStore } from '#shared/entity/stores/memory-store.ts';
import { silentLog } from '#shared/log.ts';
import { sagaMachine } from '#shared/saga/machine.ts';
import type { SagaState } from '#shared/saga/state.ts';
import { timelineOf } from '#shared/saga/timeline.ts';

const KEY = 'trip-1';
const TTL_MS = 10_000;
const table: RouteTable = {
  partitions: 2,
  routes: ['trip', 'seat', 'card'],
  services: {
    trip: { route: 'trip', commands: ['seat', 'card', 'trip'], answers: ['trip'] },
    seat: { route: 'seat', answers: ['trip'] },
    card: { route: 'card', answers: ['trip'] },
  },
};

type TripState = SagaState<trip.Trip, trip.TripLearned>;
interface Seat {
  readonly taken: number;
  readonly given: number;
}
interface Card {
  readonly asked: number;
}

async function createTripWorld(between: 'hold' | 'release', refusals: number) {
  const definition = trip.tripSaga(between);
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  broker.apply(topologyOf(table, { ttlMs: TTL_MS, delayMs: 1000 }, 'test'));

  async function host<State>(entity: Entity<State>) {
    const store = createMemoryStore<State>();
    const engine = createEngine<State>({
      entity,
      bus: broker.connect(entity.route),
      store,
      clock,
      log: silentLog,
      queues: partitionQueues(table, entity.route),
      limits: limitsFor(TTL_MS),
    });
    await clock.during(engine.start());
    return () => store.documents.get(KEY)?.state;
  }

  const machine = sagaMachine([definition], {
    ...timing,
    log: silentLog,
    keyName: 'trip',
    audienceOf: (route) => route,
  });
  const { handlers, ...rest } = machine.entityOf();
  const saga = await host<TripState>({
    ...rest,
    route: 'trip',
    handlers: [
      on(trip.planned, (state, body, context) => machine.start(state, () => body, context)),
      on(trip.callOff, (state, { trip: key }, context) =>
        answering(state ?? { phase: 'unknown' }, context.answer(trip.calledOff, { trip: key })),
      ),
      on(trip.tell, (state, { trip: key }, context) =>
        answering(state ?? { phase: 'unknown' }, context.answer(trip.told, { trip: key })),
      ),
      ...handlers,
    ],
  });
  const seat = await host<Seat>({
    route: 'seat',
    handlers: [
      on(trip.reserve, (state, _body, context) => {
        const { taken, given } = state ?? { taken: 0, given: 0 };
        return answering({ taken: taken + 1, given }, context.answer(trip.reserved, { seat: `${taken + 1}A` }));
      }),
      on(trip.giveBack, (state, { trip: key }, context) => {
        const { taken, given } = state!;
        return answering({ taken, given: given + 1 }, context.answer(trip.givenBack, { trip: key }));
      }),
    ],
  });
  const card = await host<Card>({
    route: 'card',
    handlers: [
      on(trip.charge, (state, { trip: key }, context) => {
        const asked = (state?.asked ?? 0) + 1;
        return answering(
          { asked },
          asked <= refusals
            ? context.answer(trip.chargeRefused, { reason: 'limit reached' })
            : context.answer(trip.charged, { trip: key }),
        );
      }),
    ],
  });
  const body = { trip: KEY, traveller: 'alice' };
  const message = { id: `${KEY}:plan>trip.planned`, type: 'trip.planned', key: KEY, body, correlationId: KEY };
  broker.put(hash('trip'), encode(message));
  return {
    clock,
    seat,
    card,
    timeline: () => {
      const state = saga();
      return state === undefined || state.phase === 'unknown' ? undefined : timelineOf(KEY, state, definition);
    },
    async ended() {
      await clock.until(() => saga()?.phase === 'ended');
      return timelineOf(KEY, saga() as Exclude<TripState, { phase: 'unknown' }>, definition);
    },
  };
}

for (const between of ['hold', 'release'] as const) {
  for (let refusals = 0; refusals <= trip.TRIES; refusals += 1) {
    const isKept = refusals < trip.TRIES;
    test(`${between}, the card refuses ${refusals} of ${trip.TRIES} tries: ${isKept ? 'one seat is kept' : 'no seat is kept'}`, async (t) => {
      const world = await createTripWorld(between, refusals);
      const startedAt = world.clock.now();
      const { state, steps } = await world.ended();
      t.is(state, isKept ? 'completed' : 'failed');
      const { taken, given } = world.seat()!;
      t.is(taken - given, isKept ? 1 : 0);
      t.is(taken, between === 'hold' ? 1 : Math.min(refusals + 1, trip.TRIES));
      t.is(world.card()!.asked, Math.min(refusals + 1, trip.TRIES), 'each try reached its owner');
      t.like(steps[2], { attempt: Math.min(refusals + 1, trip.TRIES), maxAttempts: trip.TRIES });
      const delays = Math.min(refusals, trip.TRIES - 1) * trip.DELAY_MS;
      t.true(world.clock.now() - startedAt >= delays, 'after the delay of each try');
    });
  }
}

test('between two tries the timeline tells which try it is and when the next one begins', async (t) => {
  const world = await createTripWorld('hold', 1);
  await world.clock.until(() => world.timeline()?.waitingFor?.nextTryAt !== undefined);
  t.like(world.timeline()?.waitingFor, {
    step: 'charge-card',
    attempt: 1,
    maxAttempts: trip.TRIES,
    reason: 'refused: limit reached',
  });
  await world.clock.until(() => world.timeline()?.waitingFor?.attempt === 2 || world.timeline()?.state === 'completed');
  t.is((await world.ended()).state, 'completed');
});
