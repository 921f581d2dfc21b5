/**
 * Which processes belong to a folder. Each is recorded as one file with its pid and the time at which it started, so
 * that a later start can end what a killed one left behind, and nothing else: a pid that now belongs to another
 * process has another starting time.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '#shared/clock.ts';

export interface ProcessMark {
  readonly pid: number;
  /** Opaque; equal for the same process only. */
  readonly startedAt: string;
}

/** The mark of a running process, undefined when there is none with this pid (a zombie counts as gone). */
export function markOf(pid: number): ProcessMark | undefined {
  try {
    if (process.platform !== 'linux') {
      const startedAt = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
      return startedAt ? { pid, startedAt } : undefined;
    }
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : { pid, startedAt: String(fields[19]) };
  } catch {
    return undefined;
  }
}

export function isRunning(mark: ProcessMark): boolean {
  return markOf(mark.pid)?.startedAt === mark.startedAt;
}

/** Records a process under a name, replacing an earlier one. The returned function removes the record. */
export function recordProcess(dir: string, name: string, pid: number): () => void {
  const mark = markOf(pid);
  const file = join(dir, `${name}.json`);
  if (mark) {
    mkdirSync(dir, { recursive: true });
    writeFileSync(file, JSON.stringify(mark));
  }
  return () => rmSync(file, { force: true });
}

/**
 * Ends every recorded process of the folder that still runs: SIGTERM, and SIGKILL to its group after `graceMs`.
 * Returns the names of those that were found running.
 */
export async function endRecorded(dir: string, graceMs: number): Promise<readonly string[]> {
  const found = recordsOf(dir);
  const left = found.filter(({ mark }) => isRunning(mark));
  await Promise.all(left.map(({ mark }) => endProcess(mark, graceMs)));
  for (const { name } of found) rmSync(join(dir, `${name}.json`), { force: true });
  return left.map(({ name }) => name);
}

/** The pid of the process that is recorded under this name, if it runs. */
export function recordedPid(dir: string, name: string): number | undefined {
  const mark = recordsOf(dir).find((one) => one.name === name)?.mark;
  return mark !== undefined && isRunning(mark) ? mark.pid : undefined;
}

/** Ends the process that is recorded under this name, if it still runs. */
export async function endRecordedAs(dir: string, name: string, graceMs: number): Promise<void> {
  const record = recordsOf(dir).find((one) => one.name === name);
  if (record) await endProcess(record.mark, graceMs);
}

/** SIGTERM, then SIGKILL to it and its group after `graceMs`; resolves when it is gone. A stopped process is continued. */
async function endProcess(mark: ProcessMark, graceMs: number): Promise<void> {
  const givenUpAt = systemClock.now() + graceMs;
  if (isRunning(mark)) {
    signal(mark.pid, 'SIGCONT');
    signal(mark.pid, 'SIGTERM');
  }
  while (isRunning(mark)) {
    if (systemClock.now() > givenUpAt) {
      signal(-mark.pid, 'SIGKILL');
      signal(mark.pid, 'SIGKILL');
    }
    await systemClock.sleep(50);
  }
}

function recordsOf(dir: string): readonly { readonly name: string; readonly mark: ProcessMark }[] {
  return filesOf(dir).flatMap((file) => {
    try {
      return [
        {
          name: file.slice(0, -'.json'.length),
          mark: JSON.parse(readFileSync(join(dir, file), 'utf8')) as ProcessMark,
        },
      ];
    } catch {
      return [];
    }
  });
}

function filesOf(dir: string): readonly string[] {
  try {
    return readdirSync(dir).filter((file) => file.endsWith('.json'));
  } catch {
    return [];
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // already gone, or not ours
  }
}
