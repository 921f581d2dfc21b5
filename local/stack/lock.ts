import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemClock } from '#shared/clock.ts';
import { isRunning, markOf, type ProcessMark } from './processes.ts';

/** Takes the lock file, or returns its holder. The lock of a process that is gone does not count. */
export function tryLock(
  file: string,
): { readonly taken: true } | { readonly taken: false; readonly holder: ProcessMark } {
  mkdirSync(dirname(file), { recursive: true });
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, JSON.stringify(markOf(process.pid)));
  try {
    for (;;) {
      if (linked(mine, file)) return { taken: true };
      const holder = holderOf(file);
      if (holder && isRunning(holder)) return { taken: false, holder };
      removeStale(file);
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Linking is atomic and the content is there at once, so nobody sees a lock without its holder. */
function linked(mine: string, file: string): boolean {
  try {
    linkSync(mine, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

/** Takes the stale lock away, and puts it back when somebody had replaced it in between. */
function removeStale(file: string): void {
  const aside = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  const holder = holderOf(aside);
  if (holder && isRunning(holder)) linked(aside, file);
  rmSync(aside, { force: true });
}

export function unlock(file: string): void {
  rmSync(file, { force: true });
}

/** Runs `work` while holding the lock file, waiting for it as long as its holder lives. */
export async function withLock(file: string, work: () => Promise<void>): Promise<void> {
  while (!tryLock(file).taken) await systemClock.sleep(200);
  try {
    await work();
  } finally {
    unlock(file);
  }
}

/** Who holds the lock; undefined when nobody does. */
export function holderOf(file: string): ProcessMark | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessMark;
  } catch {
    return undefined;
  }
}
