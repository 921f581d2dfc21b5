import test from 'ava';
import { countResults, skippedIn, slowestIn } from '#test/support/ava-summary.ts';

test('a run in which all passed is counted from its summary', (t) => {
  const output = '\n  ✔ a › one\n  ✔ b › two\n  ─\n\n  2 tests passed\n  1 test skipped\n';
  t.deepEqual(countResults(output, 0), { passed: 2, failed: 0 });
});

test('failures of tests, hooks and files add up; the passed ones are counted by their ticks', (t) => {
  const output =
    '  ✔ a › one (3ms)\n  ✘ [fail]: a › two\n  ─\n\n  1 hook failed\n  2 tests failed\n  1 uncaught exception\n';
  t.deepEqual(countResults(output, 1), { passed: 1, failed: 4 });
});

test('a run that ends badly without a failure is one failure', (t) => {
  t.deepEqual(countResults('  ✘ Couldn’t find any files to test\n', 1), { passed: 0, failed: 1 });
});

test('colours do not matter', (t) => {
  t.deepEqual(countResults('\u001B[90m─\u001B[39m\n\n\u001B[32m12 tests passed\u001B[39m\n', 0), {
    passed: 12,
    failed: 0,
  });
});

test('a test file whose process does not end is a failure', (t) => {
  const output =
    '  ✔ a › one\n  ✘ Timed out while running tests\n\n  Failed to exit when running test/a.test.ts\n  ─\n\n  1 test passed\n';
  t.deepEqual(countResults(output, 1), { passed: 1, failed: 1 });
});

test('a run that was ended is counted by its lines', (t) => {
  t.deepEqual(countResults('  ✔ a › one\n  ✘ [fail]: a › two Timed out\n  ✔ b › three (3s)\n', 0), {
    passed: 2,
    failed: 1,
  });
});

test('skipped tests come with the reason that their titles give', (t) => {
  const output =
    '\u001B[33m  - [skip] a › b › one (skipped: no broker: run it with npm test)\u001B[39m\n  - [skip] a › two\n';
  t.deepEqual(skippedIn(output), [
    { title: 'a › b › one', reason: 'no broker: run it with npm test' },
    { title: 'a › two', reason: 'no reason given' },
  ]);
});

test('the slowest files are those whose tests took longest together', (t) => {
  const output = [
    '  ✔ e2e › kill › one (1m 2.5s)',
    '  ✔ e2e › kill › two (2s)',
    '  ✘ [fail]: local › three (450ms) Timed out',
    '  ✔ shared › four',
    '  ✔ shared › five (10.1s)',
  ].join('\n');
  t.deepEqual(slowestIn(output, 2), [
    { file: 'e2e › kill', ms: 64_500 },
    { file: 'shared', ms: 10_100 },
  ]);
});
