import test from 'ava';
import { countResults } from '#test/support/ava-summary.ts';

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
