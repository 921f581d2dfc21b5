/** A saga that only asks: nothing of it has to be taken back, and nobody is told. */
import test from 'ava';
import { timing } from './drive.ts';
import * as trip from './trip.ts';
import { advance, begin } from '#shared/saga/advance.ts';
import { defineSaga } from '#shared/saga/definition.ts';
import type { OpenSaga } from '#shared/saga/state.ts';
import { sagaWriter } from '#shared/saga/writing.ts';

const { step, undoneWith } = sagaWriter<trip.Trip, trip.TripLearned>();

const asking = defineSaga<trip.Trip, trip.TripLearned>({
  name: 'ask',
  version: 1,
  start: { name: 'plan-trip', title: 'trip planned', command: trip.plan, effectId: (key) => `${key}:plan` },
  steps: [
    step({
      name: 'ask-seat',
      title: 'seat found',
      command: trip.reserve,
      with: (data) => ({ trip: data.trip }),
      undo: undoneWith('plan-trip'),
    }),
    step({
      name: 'charge-card',
      title: 'card charged',
      command: trip.charge,
      with: (data, { seat }) => ({ trip: data.trip, seat }),
      undo: undoneWith('plan-trip'),
    }),
  ],
  cancellableBefore: 'charge-card',
});

const at = { key: 't', now: 5, timing };
const begun = begin(asking, { trip: 't', traveller: 'alice' }, at).state as OpenSaga<trip.Trip, trip.TripLearned>;

test('a refusal ends it at once, and sends nothing', (t) => {
  const answer = { to: 't:ask-seat:do', type: trip.reserve.refused.name, body: { reason: 'full' } };
  const { state, send = [] } = advance(asking, begun, { kind: 'answer', answer }, at);
  t.deepEqual(send, []);
  t.is(state.phase, 'ended');
  t.like(state, { outcome: 'failed', failure: { reason: 'full', step: 'ask-seat' }, endedAt: 5 });
  t.false('data' in state);
});

test('so do a cancel and a deadline', (t) => {
  t.like(advance(asking, begun, { kind: 'cancel' }, at).state, { phase: 'ended', outcome: 'cancelled' });
  const late = { ...at, now: at.now + timing.stepDeadlineMs };
  t.like(advance(asking, begun, { kind: 'wake' }, late).state, { phase: 'ended', failure: { reason: 'timed_out' } });
});
