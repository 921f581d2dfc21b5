import test from 'ava';
import { bar, showProgress } from '#local/commands/simulator/progress.ts';
import type { SimulationProgress } from '#local/commands/simulator/result.ts';

const at = (elapsedMs: number, fields: Partial<SimulationProgress> = {}): SimulationProgress => ({
  phase: 'placing',
  elapsedMs,
  planned: 100,
  sent: 50,
  accepted: 50,
  notAccepted: 0,
  ended: 40,
  outstanding: 0,
  lateMs: 0,
  ...fields,
});

function shown(screen: { isTTY?: boolean; columns?: number }, steps: readonly SimulationProgress[]): string {
  let text = '';
  const show = showProgress({ ...screen, write: (more: string) => (text += more) });
  for (const step of steps) show(step);
  return text;
}

test('a pipe gets a line every 5 s and at each change of the phase', (t) => {
  const steps = Array.from({ length: 60 }, (_, index) => at(index * 200));
  const text = shown({}, [
    at(0, { phase: 'funding' }),
    ...steps,
    at(12_000, { phase: 'waiting' }),
    at(12_100, { phase: 'over' }),
  ]);
  const times = text
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split('  ')[0]);
  t.deepEqual(times, ['0 s', '0 s', '5 s', '10 s', '12 s', '12 s']);
  t.false(text.includes('\r'));
});

test('a terminal gets one line that is drawn again and ends', (t) => {
  const text = shown({ isTTY: true, columns: 60 }, [at(0), at(200, { lateMs: 3000 }), at(400, { phase: 'over' })]);
  t.is(text.split('\n').length, 2);
  t.is(text.split('\r\u001B[K').length, 4);
  t.true(text.split('\r\u001B[K').every((line) => line.trimEnd().length < 60));
});

test('being behind the plan is said', (t) => {
  t.regex(shown({}, [at(0, { lateMs: 3000 })]), /3\.0 s behind the plan/);
  t.notRegex(shown({}, [at(0, { lateMs: 300 })]), /behind/);
});

test('the bar goes from empty to full', (t) => {
  t.is(bar(at(0, { sent: 0, accepted: 0, ended: 0 })), `[${'.'.repeat(24)}]`);
  t.is(bar(at(0, { sent: 100, accepted: 100, ended: 0 })), `[${'#'.repeat(12)}${'.'.repeat(12)}]`);
  t.is(bar(at(0, { sent: 100, accepted: 90, notAccepted: 10, ended: 90 })), `[${'#'.repeat(24)}]`);
  t.is(bar(at(0, { planned: 0, sent: 0, accepted: 0, ended: 0 })), `[${'#'.repeat(24)}]`);
});
