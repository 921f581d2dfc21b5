import test from 'ava';

/** `test` where this holds; elsewhere a test that is skipped and says why: `npm test` repeats it above its last line. */
export function testIf(holds: boolean, reason: string): typeof test | typeof test.skip {
  if (holds) return test;
  return ((title: string, run: never) => test.skip(`${title} (skipped: ${reason})`, run)) as typeof test.skip;
}
