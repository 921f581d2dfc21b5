import test from 'ava';
import { deadLetterHeaders, deadLetterNoteIn, isDeadLetterHeader } from '#shared/bus/dead-letter.ts';

const note = { reason: 'the wallet broke', route: 'wallet', attempts: 5, at: 1_700_000_000_000 };

test('what is written on a dead letter is what is read from it', (t) => {
  const headers = deadLetterHeaders(note);
  t.deepEqual(deadLetterNoteIn({ key: 'k', ...headers }), note);
  t.true(Object.keys(headers).every(isDeadLetterHeader));
  t.false(isDeadLetterHeader('deadline'));
});

test('of a long reason the start is kept', (t) => {
  const { reason } = deadLetterNoteIn(deadLetterHeaders({ ...note, reason: 'x'.repeat(5000) }));
  t.is(reason, 'x'.repeat(1000));
});

test('what anybody else wrote into these headers is left out', (t) => {
  t.deepEqual(deadLetterNoteIn({}), {});
  t.deepEqual(
    deadLetterNoteIn({ 'dead-reason': 1, 'dead-route': ['wallet'], 'dead-attempts': -1, 'dead-at': 'yesterday' }),
    {},
  );
});
