/** A step that asks several owners at once, one for each part of the data. */
import test from 'ava';
import { driveTrip, KEY } from './drive.ts';
import { DELAY_MS, TRIES, groupSaga, plan } from './trip.ts';
import { defineSaga } from '#shared/saga/definition.ts';
import { forData } from '#shared/saga/fan-out.ts';
import { sagaWriter } from '#shared/saga/writing.ts';

const TRAVELLERS = 'alice+bob+carol';
const namesOf = ({ steps }: { readonly steps: readonly { readonly name: string }[] }) => steps.map(({ name }) => name);
const trips = (drive: ReturnType<typeof driveTrip>, from = 0): unknown[] =>
  drive.sent.slice(from).map(({ id, body }) => [id.slice(KEY.length + 1), (body as { trip: string }).trip]);

test('every part is sent at once with a body of its own, and the next step waits for the last answer', (t) => {
  const drive = driveTrip(groupSaga(), TRAVELLERS);
  t.deepEqual(trips(drive), [
    ['reserve-seat/1:do', 'trip-1/alice'],
    ['reserve-seat/2:do', 'trip-1/bob'],
    ['reserve-seat/3:do', 'trip-1/carol'],
  ]);
  const [alice, bob, carol] = drive.outstanding();
  t.deepEqual(drive.answer('done', carol), []);
  t.deepEqual(drive.answer('done', alice), []);
  t.is(drive.answer('done', bob)[0]?.id, 'trip-1:charge-card:do');
  drive.goOn();
  t.is(drive.timeline().state, 'completed');
});

test('one part is refused: each other is undone by the id of its own effect, answered or not, before the next try asks for all again', (t) => {
  const drive = driveTrip(groupSaga(), TRAVELLERS);
  const [alice, bob] = drive.outstanding();
  drive.answer('done', alice);
  const refusedAt = drive.now;
  drive.answer('refused', bob);
  t.false(drive.timeline().steps.some(({ name, state }) => name === 'charge-card' && state !== 'pending'));
  drive.answer();
  drive.answer();
  t.is(drive.outstanding().length, 0);
  t.deepEqual(
    drive.sent.slice(3).map(({ id, body }) => [id, (body as { of: string }).of]),
    [
      ['trip-1:reserve-seat/3:undo', 'trip-1:reserve-seat/3:do'],
      ['trip-1:reserve-seat/1:undo', 'trip-1:reserve-seat/1:do'],
    ],
  );
  t.like(drive.timeline().waitingFor, { step: 'reserve-seat/2', attempt: 1, maxAttempts: TRIES });
  drive.passDue();
  t.is(drive.now, refusedAt + DELAY_MS);
  t.deepEqual(drive.ids().slice(5), ['reserve-seat/1#2:do', 'reserve-seat/2#2:do', 'reserve-seat/3#2:do']);
  drive.goOn();
  t.is(drive.timeline().state, 'completed');
});

test('the tries are those of the saga: another part or step that is refused uses up the same', (t) => {
  const drive = driveTrip(groupSaga(), TRAVELLERS);
  const isAsked = (name: string): boolean => drive.outstanding().some(({ command }) => command.name === name);
  const goOnTo = (name: string): void => {
    while (!isAsked(name)) {
      if (drive.outstanding().length > 0) drive.answer();
      else drive.passDue();
    }
  };
  drive.answer('refused', drive.outstanding()[2]);
  goOnTo('seat.reserve');
  goOnTo('card.charge');
  drive.answer('refused');
  goOnTo('card.charge');
  t.is(TRIES, 3, 'this is the last one');
  drive.answer('refused');
  drive.goOn();
  t.like(drive.timeline(), { state: 'failed', failure: { reason: 'limit reached', step: 'charge-card' } });
});

test('a reason that no try changes turns the saga back at once, and the failure names the whole step', (t) => {
  const drive = driveTrip(groupSaga('release', { unless: ['limit reached'] }), TRAVELLERS);
  drive.answer('refused', drive.outstanding()[1]);
  drive.goOn();
  t.like(drive.timeline(), { state: 'failed', failure: { reason: 'limit reached', step: 'reserve-seat' } });
  t.false(drive.ids().some((id) => id.includes('#2')));
});

test('a part that nobody answers turns the saga back: all parts are undone', (t) => {
  const drive = driveTrip(groupSaga(), TRAVELLERS);
  const [alice, , carol] = drive.outstanding();
  drive.answer('done', alice);
  drive.answer('done', carol);
  drive.passDue();
  drive.goOn();
  t.like(drive.timeline(), { state: 'failed', failure: { reason: 'timed_out', step: 'reserve-seat' } });
  t.deepEqual(
    drive
      .timeline()
      .compensations.map(({ of }) => of)
      .toSorted(),
    ['trip-1:plan', ...[1, 2, 3].map((n) => `trip-1:reserve-seat/${n}:do`)],
  );
});

test('the timeline names each part, also of a saga that has ended and whose data is gone', (t) => {
  const drive = driveTrip(groupSaga(), TRAVELLERS);
  const seats = () =>
    drive
      .timeline()
      .steps.filter(({ name }) => name.startsWith('reserve-seat'))
      .map(({ name, title }) => [name, title]);
  const shown = [1, 2, 3].map((n) => [`reserve-seat/${n}`, `seat reserved (${n} of 3)`]);
  t.deepEqual(seats(), shown);
  drive.pass(1);
  drive.goOn();
  t.is(drive.state.phase, 'ended');
  t.deepEqual(seats(), shown);
  t.deepEqual(
    drive.timeline().messages.map(({ type }) => type),
    [
      'trip.planned',
      ...Array<string>(3).fill('seat.reserve'),
      ...Array<string>(3).fill('seat.reserved'),
      'card.charge',
      'card.charged',
    ],
  );
  const [seat] = driveTrip(groupSaga(), 'alice').timeline().steps.slice(1);
  t.is(seat?.title, 'seat reserved', 'of one there is nothing to count');
});

test('of many parts the records of old tries are not kept for ever, and no message id comes twice', (t) => {
  const many = Array.from({ length: 30 }, (_, n) => `traveller${n}`).join('+');
  const drive = driveTrip(groupSaga('release', { times: 6 }), many);
  for (let tries = 0; tries < 7; tries += 1) {
    while (drive.outstanding()[0]?.command.name !== 'seat.reserve') {
      if (drive.outstanding().length > 0) drive.answer();
      else drive.passDue();
    }
    drive.answer('refused', drive.outstanding()[tries]);
  }
  drive.goOn();
  t.is(drive.timeline().state, 'failed');
  t.is(new Set(drive.ids()).size, drive.ids().length);
  t.true(JSON.stringify(drive.state).length < 20_000);
  t.is(drive.timeline().messages.filter(({ type }) => type === 'seat.taken').length, 7, 'each refusal is kept');
});

test('data without parts: the next step waits for what the whole waits for', (t) => {
  const drive = driveTrip(groupSaga(), '');
  t.deepEqual(drive.ids(), ['charge-card:do']);
});

test('what cannot have parts is refused at start', (t) => {
  const { step, forEach, heard, undoneWith } = sagaWriter<{ trip: string }, object>();
  const parts = (changes: object) =>
    forEach(
      ({ trip }) => [{ trip }],
      ({ trip }) =>
        step({
          name: 'plan-parts',
          title: 'planned',
          command: plan,
          with: () => ({ trip }),
          undo: undoneWith('plan-trip'),
          ...changes,
        }),
    );
  const base = { ...groupSaga(), cancellableBefore: 'plan-parts' };
  const one = step({
    name: 'one',
    title: 'one',
    command: plan,
    with: ({ trip }) => ({ trip }),
    undo: undoneWith('plan-parts'),
  });
  t.throws(() => defineSaga({ ...base, steps: [parts({})] }), { message: /plan-parts has parts, sent one by one/ });
  t.throws(() => defineSaga({ ...base, steps: [parts({ number: 2 })] }), { message: /no numbered milestone/ });
  t.throws(() => defineSaga({ ...base, steps: [parts({ name: 'a/b' })] }), { message: /a\/b: \/ is for the parts/ });
  t.throws(() => defineSaga({ ...base, steps: [parts({}), one] }), { message: /one: plan-parts has parts/ });
  const ear = heard({ name: 'ear', title: 'heard', owner: 'o', hears: 'plan-parts', undo: undoneWith('plan-trip') });
  t.throws(() => defineSaga({ ...base, steps: [parts({}), ear] }), { message: /ear: plan-parts has parts/ });
});

test('the parts that data has are made once, for each definition its own, and again when they were forgotten', (t) => {
  const [one, other] = [groupSaga(), groupSaga()];
  const data = { trip: KEY, traveller: TRAVELLERS };
  const made = forData(one, data);
  t.is(forData(one, data), made);
  t.not(forData(other, data), made);
  const again = forData(one, data);
  t.deepEqual(namesOf(again), namesOf(made));
  for (let n = 0; n < 20_000; n += 1) forData(one, { trip: KEY, traveller: `alice+${n}` });
  t.not(forData(one, data), again);
});
