import { globSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { endRecorded, isRunning, markOf } from './processes.ts';
import { holderOf } from './lock.ts';

const GRACE_MS = 20_000;

/** Ends what an earlier start of this folder left running because it was killed. */
export async function cleanUp(dir: string, recordDir: string, say: (text: string) => void): Promise<void> {
  const ended = await endRecorded(recordDir, GRACE_MS);
  if (ended.length > 0) say(`Ended what a killed start had left running: ${ended.join(', ')}.`);
  rmSync(join(dir, 'tmp'), { recursive: true, force: true });
  await removeDeadTestRuns(dir);
}

/** A test run has a folder of its own, `test-<pid>`; one whose process is gone was killed. */
export async function removeDeadTestRuns(dir: string): Promise<void> {
  for (const name of testRuns(dir)) {
    const run = join(dir, name);
    const holder = holderOf(join(run, 'lock')) ?? markOf(Number(name.slice('test-'.length)));
    if (holder && isRunning(holder)) continue;
    await removeTestRun(run);
  }
}

/** Ends what runs for a test run, its stacks included, and removes its folder. */
export async function removeTestRun(run: string): Promise<void> {
  const recordDirs = globSync([join(run, 'run'), join(run, 'e2e-*', 'run')]);
  await Promise.all(recordDirs.map((records) => endRecorded(records, 0)));
  rmSync(run, { recursive: true, force: true, maxRetries: 5 });
}

function testRuns(dir: string): readonly string[] {
  try {
    return readdirSync(dir).filter((name) => /^test-\d+$/.test(name));
  } catch {
    return [];
  }
}
