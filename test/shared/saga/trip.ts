/** A small saga that is no order: a seat is reserved and a card charged, which may be refused a few times. */
import { z } from 'zod';
import { defineSaga, type Definition } from '#shared/saga/definition.ts';
import type { Retries } from '#shared/saga/step.ts';
import { sagaWriter } from '#shared/saga/writing.ts';
import { command, event } from '#shared/message.ts';

const trip = z.string().max(50);
export const planned = event('trip.planned', z.object({ trip, traveller: z.string().max(50) }));
export const plan = command('trip.plan', { body: z.object({ trip }), key: (body) => body.trip, done: planned });
export const calledOff = event('trip.called-off', z.object({ trip }));
export const callOff = command('trip.call-off', {
  body: z.object({ trip, reason: z.string().max(100) }),
  key: (body) => body.trip,
  done: calledOff,
  undo: true,
});
export const told = event('trip.told', z.object({ trip }));
export const tell = command('trip.tell', {
  body: z.object({ trip, outcome: z.string().max(50) }),
  key: (body) => body.trip,
  done: told,
});
export const reserved = event('seat.reserved', z.object({ seat: z.string().max(100) }));
export const seatTaken = event('seat.taken', z.object({ reason: z.string().max(100) }));
export const reserve = command('seat.reserve', {
  body: z.object({ trip }),
  key: (body) => body.trip,
  done: reserved,
  refused: seatTaken,
});
export const givenBack = event('seat.given-back', z.object({ trip }));
export const giveBack = command('seat.give-back', {
  body: z.object({ trip, of: z.string().max(200) }),
  key: (body) => body.trip,
  done: givenBack,
  undo: true,
});
export const charged = event('card.charged', z.object({ trip }));
export const chargeRefused = event('card.refused', z.object({ reason: z.string().max(100) }));
export const charge = command('card.charge', {
  body: z.object({ trip, seat: z.string().max(100) }),
  key: (body) => body.trip,
  done: charged,
  refused: chargeRefused,
});
export const refunded = event('card.refunded', z.object({ trip }));
export const refund = command('card.refund', {
  body: z.object({ trip, of: z.string().max(200) }),
  key: (body) => body.trip,
  done: refunded,
  undo: true,
});

export interface Trip {
  readonly trip: string;
  readonly traveller: string;
}
export interface TripLearned {
  readonly seat: string;
}
export type TripDefinition = Definition<Trip, TripLearned>;

const { step, forEach, undo, notice } = sagaWriter<Trip, TripLearned>();

export const DELAY_MS = 20_000;
export const TRIES = 3;

export function tripSaga(between: Retries['between'], changes: Partial<Retries> = {}): TripDefinition {
  return defineSaga({ ...trips, steps: [reserveSeat, chargeCard({ ...again, between, ...changes })] });
}

/** A seat for each of those that travel, `alice+bob`; nobody travels alone when one seat is refused. */
export function groupSaga(between: Retries['between'] = 'release', changes: Partial<Retries> = {}): TripDefinition {
  const seats = forEach(
    ({ traveller }) => traveller.split('+').flatMap((name) => (name === '' ? [] : [{ name }])),
    ({ name }) =>
      step({
        name: 'reserve-seat',
        title: 'seat reserved',
        command: reserve,
        retries: { ...again, between, ...changes },
        with: (data) => ({ trip: `${data.trip}/${name}` }),
        learn: ({ seat }) => ({ seat }),
        undo: undo(giveBack, (data, { of }) => ({ trip: `${data.trip}/${name}`, of })),
      }),
  );
  return defineSaga({ ...trips, steps: [seats, chargeCard({ ...again, between: 'hold' })] });
}

const again = { times: TRIES - 1, delayMs: DELAY_MS };

const reserveSeat = step({
  name: 'reserve-seat',
  title: 'seat reserved',
  command: reserve,
  with: (data) => ({ trip: data.trip }),
  learn: ({ seat }) => ({ seat }),
  undo: undo(giveBack, (data, { of }) => ({ trip: data.trip, of })),
});

const chargeCard = (retries: Retries) =>
  step({
    name: 'charge-card',
    number: 1,
    title: 'card charged',
    command: charge,
    retries,
    with: (data, { seat }) => ({ trip: data.trip, seat: seat ?? 'none' }),
    undo: undo(refund, (data, { of }) => ({ trip: data.trip, of })),
  });

const trips = {
  name: 'trip',
  version: 1,
  start: {
    name: 'plan-trip',
    title: 'trip planned',
    command: plan,
    effectId: (key: string) => `${key}:plan`,
    undo: undo(callOff, (data, { failure }) => ({ trip: data.trip, reason: failure.reason })),
  },
  cancellableBefore: 'charge-card',
  finalNotice: notice({
    name: 'tell-traveller',
    title: 'traveller told',
    command: tell,
    with: (data, { outcome }) => ({ trip: data.trip, outcome }),
  }),
} as const;
