import test from 'ava';
import { isRoutine, readableLine } from '#local/stack/log-lines.ts';

const now = (): number => Date.UTC(2026, 0, 2, 12, 0, 1, 123);

test('a JSON line becomes time, service, level, text and fields', (t) => {
  const line = JSON.stringify({
    level: 'info',
    time: '2026-01-02T12:00:01.123Z',
    service: 'wallet',
    msg: 'held',
    orderId: 'o1',
    amount: 5,
    why: 'two words',
  });
  t.is(
    readableLine('x', line, false, now),
    '12:00:01.123 wallet          info  held orderId=o1 amount=5 why="two words"',
  );
});

test('what is not JSON is shown as it is, under the name of its source', (t) => {
  t.is(readableLine('wallet', 'Error: boom', false, now), '12:00:01.123 wallet          info  Error: boom');
  t.is(readableLine('wallet', '{broken', false, now), '12:00:01.123 wallet          info  {broken');
});

test('a line without a usable time gets the time of its arrival', (t) => {
  const line = JSON.stringify({ level: 'warn', time: 'yesterday', msg: 'odd' });
  t.is(readableLine('notify', line, false, now), '12:00:01.123 notify          warn  odd');
});

test('colours are only for terminals', (t) => {
  const line = JSON.stringify({ level: 'error', msg: 'bad' });
  t.false(readableLine('x', line, false, now).includes('\u001B'));
  t.true(readableLine('x', line, true, now).includes('\u001B[31m'));
});

test('only info and debug lines are routine', (t) => {
  t.true(isRoutine('{"level":"info","msg":"ready"}'));
  t.false(isRoutine('{"level":"warn","msg":"odd"}'));
  t.false(isRoutine('Error: boom'));
});
