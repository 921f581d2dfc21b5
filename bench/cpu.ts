import { readFileSync, readdirSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly seconds: number;
  /** Of its children that have ended. */
  readonly endedSeconds: number;
}

/** CPU seconds used so far by a process and its children, by parent id (Linux: /proc/<pid>/stat fields 14 and 15). */
export function cpuSeconds(pid: number): number {
  return family(pid).reduce((sum, { seconds }) => sum + seconds, 0);
}

/** The same for each part of a stack, by what its processes run: `broker`, `database`, `payment`. */
export function cpuSecondsByPart(pid: number): Readonly<Record<string, number>> {
  const parts: Record<string, number> = {};
  for (const { pid: one, seconds } of family(pid)) {
    const part = partOf(commandLine(one));
    parts[part] = (parts[part] ?? 0) + seconds;
  }
  return parts;
}

/** CPU seconds used so far by everything on this machine (Linux: /proc/stat, all but idle and waiting for disks). */
export function machineSeconds(): number {
  const [, user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8').split(/\s+/).map(Number);
  return (
    [user, nice, system, irq, softirq, steal].reduce<number>((sum, ticks) => sum + (ticks ?? 0), 0) / TICKS_PER_SECOND
  );
}

/** CPU seconds used so far by everything on this machine but a process and whatever it has started. */
export function othersSeconds(pid: number): number {
  const own = family(pid).reduce((sum, { seconds, endedSeconds }) => sum + seconds + endedSeconds, 0);
  return machineSeconds() - own;
}

/** What a process of the local stack is for, by its command line. */
export function partOf(command: string): string {
  const service = /\bservices\/([a-z-]+)\/main\.ts/.exec(command)?.[1];
  if (service !== undefined) return service;
  if (/beam|erl|inet_gethost|epmd|rabbitmq/.test(command)) return 'broker';
  if (/local\/mongo\/main\.ts|mongod/.test(command)) return 'database';
  const local =
    /\blocal\/(?:stack|commands|stand-ins)\/(?!end-with-parent)([a-z-]+)(?:\/main)?\.ts/.exec(command)?.[1] ?? 'others';
  return local === 'start' ? 'supervisor' : local;
}

/** A process and everything below it. */
function family(ancestor: number): readonly Process[] {
  const all = new Map(processes().map((one) => [one.pid, one]));
  const descends = (pid: number): boolean => {
    for (let at = all.get(pid); at !== undefined; at = all.get(at.parent)) if (at.pid === ancestor) return true;
    return false;
  };
  return [...all.values()].filter(({ pid }) => descends(pid));
}

function processes(): readonly Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const seconds = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
        const endedSeconds = (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
        return [{ pid: Number(name), parent: Number(fields[1]), seconds, endedSeconds }];
      } catch {
        return []; // it ended while we looked
      }
    });
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
