import { readFileSync, readdirSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

/** CPU seconds used so far by a process and its children, by parent id (Linux: /proc/<pid>/stat fields 14 and 15). */
export function cpuSeconds(pid: number): number {
  const parents = new Map<number, number>();
  const used = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      parents.set(Number(name), Number(fields[1]));
      used.set(Number(name), (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND);
    } catch {
      continue; // it ended while we looked
    }
  }
  let sum = 0;
  for (const [child, seconds] of used) if (descends(child, pid, parents)) sum += seconds;
  return sum;
}

/** CPU seconds used so far by everything on this machine (Linux: /proc/stat, all but idle and waiting for disks). */
export function machineSeconds(): number {
  const [, user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8').split(/\s+/).map(Number);
  return (
    [user, nice, system, irq, softirq, steal].reduce<number>((sum, ticks) => sum + (ticks ?? 0), 0) / TICKS_PER_SECOND
  );
}

function descends(child: number, ancestor: number, parents: ReadonlyMap<number, number>): boolean {
  for (let at: number | undefined = child; at !== undefined && at > 1; at = parents.get(at))
    if (at === ancestor) return true;
  return false;
}
