/** A step with `retries`, on a saga that is no order. */
import test from 'ava';
import { DELAY_MS, TRIES, charge, plan, tripSaga } from './trip.ts';
import { driveTrip } from './drive.ts';
import { defineSaga } from '#shared/saga/definition.ts';
import { sagaWriter } from '#shared/saga/writing.ts';

type Drive = ReturnType<typeof driveTrip>;
const iso = (at: number): string => new Date(at).toISOString();

/** The card refuses this often; everything else is done. */
function refuse(drive: Drive, times: number): void {
  for (let refusals = 0; drive.state.phase !== 'ended';) {
    const [next] = drive.outstanding();
    if (next === undefined) drive.passDue();
    else if (next.command === charge && refusals < times) {
      refusals += 1;
      drive.answer('refused');
    } else drive.answer();
  }
}

for (const between of ['hold', 'release'] as const) {
  for (const refusals of [0, 1, 2]) {
    test(`${between}, refused ${refusals} times of ${TRIES}: it completes at the next try`, (t) => {
      const drive = driveTrip(tripSaga(between));
      refuse(drive, refusals);
      t.is(drive.timeline().state, 'completed');
      const charges = drive.sent.filter(({ command }) => command === charge);
      t.is(charges.length, refusals + 1);
      t.is(new Set(charges.map(({ id }) => id)).size, charges.length, 'each try is a message of its own');
      t.like(drive.timeline().steps.at(-1), {
        name: 'charge-card',
        state: 'done',
        attempt: refusals + 1,
        maxAttempts: TRIES,
      });
    });
  }

  test(`${between}, refused at every try: what is left is undone and the traveller is told`, (t) => {
    const drive = driveTrip(tripSaga(between));
    refuse(drive, TRIES);
    const { state, failure, steps } = drive.timeline();
    t.is(state, 'failed');
    t.deepEqual(failure, { reason: 'limit reached', step: 'charge-card' });
    t.like(
      steps.find(({ name }) => name === 'charge-card'),
      { state: 'refused', attempt: TRIES, maxAttempts: TRIES },
    );
    const reserves = drive.ids().filter((id) => id.startsWith('reserve-seat') && id.endsWith(':do'));
    const givenBack = drive.ids().filter((id) => id.startsWith('reserve-seat') && id.endsWith(':undo'));
    t.is(reserves.length, between === 'hold' ? 1 : TRIES);
    t.deepEqual(
      givenBack.map((id) => id.replace(':undo', '')),
      reserves.map((id) => id.replace(':do', '')),
      'each reservation is given back once',
    );
    t.is(drive.ids().at(-1), 'tell-traveller:do');
  });

  test(`${between}: what answers an earlier try changes nothing`, (t) => {
    const drive = driveTrip(tripSaga(between));
    drive.answer();
    const [first] = drive.outstanding();
    drive.answer('refused');
    while (drive.outstanding().at(-1)?.id !== `trip-1:charge-card#2:do`) {
      const before = drive.state;
      t.deepEqual(drive.answer('done', first), []);
      t.deepEqual(drive.answer('refused', first), []);
      t.deepEqual(drive.state, before);
      if (drive.outstanding().length > 0) drive.answer();
      else drive.passDue();
    }
    const before = drive.state;
    t.deepEqual(drive.answer('refused', first), []);
    t.deepEqual(drive.state, before);
  });

  test(`${between}: a try that is not answered is undone, not tried again`, (t) => {
    const drive = driveTrip(tripSaga(between));
    drive.answer();
    drive.answer('refused');
    while (drive.outstanding()[0]?.command !== charge) {
      if (drive.outstanding().length > 0) drive.answer();
      else drive.passDue();
    }
    drive.passDue();
    t.is(drive.ids().at(-1), 'charge-card#2:undo');
    drive.goOn();
    t.is(drive.timeline().state, 'failed');
  });
}

test('hold: between two tries nothing is undone, and the timeline tells the next one', (t) => {
  const drive = driveTrip(tripSaga('hold'));
  drive.pass(5);
  drive.answer();
  t.deepEqual(drive.timeline().waitingFor, {
    step: 'charge-card',
    message: 'card.charge',
    since: iso(drive.now),
    attempt: 1,
    maxAttempts: TRIES,
    until: iso(drive.now + 60_000),
  });
  drive.pass(10);
  t.deepEqual(drive.answer('refused'), []);
  const nextTryAt = iso(drive.now + DELAY_MS);
  t.deepEqual(drive.timeline().waitingFor, {
    step: 'charge-card',
    message: 'card.charge',
    since: iso(drive.now),
    attempt: 1,
    maxAttempts: TRIES,
    nextTryAt,
    reason: 'refused: limit reached',
  });
  t.like(drive.timeline().steps[2], { state: 'refused', attempt: 1, maxAttempts: TRIES, nextTryAt });
  t.is(drive.timeline().state, 'running');
  t.deepEqual(drive.pass(DELAY_MS - 1), [], 'not before its time');
  t.deepEqual(
    drive.pass(1).map(({ id }) => id),
    ['trip-1:charge-card#2:do'],
  );
  t.like(drive.timeline().waitingFor, { attempt: 2, maxAttempts: TRIES });
  drive.answer();
  t.deepEqual(
    drive.timeline().messages.map(({ type }) => type),
    ['trip.planned', 'seat.reserve', 'seat.reserved', 'card.charge', 'card.refused', 'card.charge', 'card.charged'],
  );
});

test('release: the seat is given back between two tries and reserved again, the trip stays planned', (t) => {
  const drive = driveTrip(tripSaga('release'));
  drive.answer();
  drive.answer('refused');
  const refusedAt = drive.now;
  t.like(drive.timeline(), { state: 'running', failure: undefined });
  t.like(drive.timeline().waitingFor, { step: 'reserve-seat', message: 'seat.give-back' });
  drive.pass(3000);
  drive.answer();
  const nextTryAt = iso(refusedAt + DELAY_MS);
  t.like(drive.timeline().waitingFor, { step: 'charge-card', attempt: 1, nextTryAt, reason: 'refused: limit reached' });
  drive.passDue();
  t.is(drive.now, refusedAt + DELAY_MS, 'counted from the refusal');
  drive.answer();
  drive.answer();
  t.deepEqual(drive.ids(), [
    'reserve-seat:do',
    'charge-card:do',
    'reserve-seat:undo',
    'reserve-seat#2:do',
    'charge-card#2:do',
  ]);
  const { state, compensations, messages } = drive.timeline();
  t.is(state, 'completed');
  t.deepEqual(
    compensations.map(({ step, of }) => ({ step, of })),
    [{ step: 'reserve-seat', of: 'trip-1:reserve-seat:do' }],
  );
  t.deepEqual(
    messages.map(({ type }) => type),
    [
      'trip.planned',
      'seat.reserve',
      'seat.reserved',
      'card.charge',
      'card.refused',
      'seat.give-back',
      'seat.given-back',
      'seat.reserve',
      'seat.reserved',
      'card.charge',
      'card.charged',
    ],
  );
});

test('release that takes longer than the delay: the next try begins when it is done', (t) => {
  const drive = driveTrip(tripSaga('release', { delayMs: 10 }));
  drive.answer();
  drive.answer('refused');
  drive.passDue();
  drive.answer();
  drive.pass(0);
  t.is(drive.ids().at(-1), 'reserve-seat#2:do');
});

for (const [when, between, before] of [
  ['between two tries', 'hold', 0],
  ['while steps are released', 'release', 0],
  ['between two tries, all released', 'release', 1],
] as const) {
  test(`cancelled ${when}: it counts, and the seat is given back once`, (t) => {
    const drive = driveTrip(tripSaga(between));
    drive.answer();
    drive.answer('refused');
    for (let answers = 0; answers < before; answers += 1) drive.answer();
    const outstanding = drive.outstanding()[0];
    drive.cancel();
    drive.cancel();
    if (outstanding !== undefined) {
      drive.passDue();
      t.deepEqual(drive.sent.at(-1)?.body, outstanding.body, 'the outstanding undo keeps its body');
    }
    drive.goOn();
    t.like(drive.timeline(), { state: 'cancelled', failure: { reason: 'cancelled' } });
    t.is(new Set(drive.ids().filter((id) => id.endsWith('reserve-seat:undo'))).size, 1);
    t.false(drive.ids().some((id) => id.includes('charge-card#2')));
  });
}

test('retries that cannot be are refused at start', (t) => {
  t.throws(() => tripSaga('hold', { times: 0 }), { message: /charge-card: retries.times is from 1 to 20, not 0/ });
  t.throws(() => tripSaga('hold', { times: 21 }), { message: /not 21/ });
  t.throws(() => tripSaga('hold', { delayMs: 0 }), { message: /retries.delayMs is more than 0/ });
  const { step, undoneWith } = sagaWriter<{ trip: string }, object>();
  const again = step({
    name: 'plan-again',
    title: 'planned again',
    command: plan,
    retries: { times: 1, delayMs: 1, between: 'hold' },
    with: ({ trip }) => ({ trip }),
    undo: undoneWith('plan-trip'),
  });
  t.throws(() => defineSaga({ ...tripSaga('hold'), steps: [again], cancellableBefore: 'plan-again' }), {
    message: /trip.plan is never refused/,
  });
});
