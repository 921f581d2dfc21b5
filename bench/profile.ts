import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from './arm.ts';
import { withoutHttp } from './baskets/arm.ts';
import { runLoop } from './loop/arms.ts';
import type { World } from './world.ts';
import { stackDir } from '#local/stack/addresses.ts';
import { projectDir } from '#local/stack/own-process.ts';
import { Trouble } from '#local/stack/trouble.ts';

export const PROFILES = ['engine', 'embedded', 'database', 'baskets'] as const;
export type Profile = (typeof PROFILES)[number];

/** What `node --cpu-prof` writes, as far as it is read here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  /** Microseconds. */
  readonly timeDeltas: readonly number[];
}

export interface SelfTime {
  readonly where: string;
  readonly ms: number;
  /** Of the time in which anything ran. */
  readonly share: number;
}

const SHOWN = 25;

/**
 * Runs the closed loop with a profile of the process with the services (memory store or embedded database), of the
 * embedded database itself, or of baskets without HTTP in one process, and gives the path of the .cpuprofile: Chrome's developer tools and speedscope show it as a flame graph.
 */
export async function profile(world: World, what: Profile, settings: Settings): Promise<string> {
  const dir = join(stackDir, 'profiles');
  mkdirSync(dir, { recursive: true });
  const name = `${what}-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.cpuprofile`;
  const flags = ['--cpu-prof', `--cpu-prof-dir=${dir}`, `--cpu-prof-name=${name}`];
  const turn = { world, round: 1, settings };
  const store = what === 'engine' ? 'memory' : 'embedded';
  const run = { name: `profile-${what}`, processes: 'one', store } as const;
  const task = { inFlight: [Math.max(...settings.inFlight)] };
  if (what === 'baskets') await withoutHttp(turn, run.name, 'here', flags);
  else if (what === 'database') await runLoop(turn, { ...run, task, database: () => withNodeOptions(flags, world) });
  else await runLoop(turn, { ...run, task, flags });
  if (!readdirSync(dir).includes(name)) throw new Trouble('Node wrote no profile');
  return join(dir, name);
}

/** The database is started by others, who pass these options on. */
async function withNodeOptions(flags: readonly string[], world: World) {
  const before = process.env['NODE_OPTIONS'];
  process.env['NODE_OPTIONS'] = [before, ...flags].filter(Boolean).join(' ');
  try {
    return await world.database('profile');
  } finally {
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
  }
}

/** The functions in which most time was spent themselves, largest first. */
export function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): readonly SelfTime[] {
  const byId = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const us = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const { functionName, url, lineNumber } = byId.get(id)!;
    if (functionName === '(idle)') continue;
    const file = url.replace(/^file:\/\//, '').replace(`${projectDir}/`, '');
    const where = `${functionName || '(anonymous)'}${file === '' ? '' : ` ${file}:${lineNumber + 1}`}`;
    us.set(where, (us.get(where) ?? 0) + (timeDeltas[index] ?? 0));
  }
  const all = [...us.values()].reduce((sum, one) => sum + one, 0);
  return [...us].map(([where, one]) => ({ where, ms: one / 1000, share: one / all })).toSorted((a, b) => b.ms - a.ms);
}

export function profileReport(path: string): readonly string[] {
  const all = selfTimes(JSON.parse(readFileSync(path, 'utf8')) as CpuProfile);
  return [
    ...all
      .slice(0, SHOWN)
      .map(
        ({ where, ms, share }) =>
          `${(share * 100).toFixed(1).padStart(5)} %  ${ms.toFixed(0).padStart(6)} ms  ${where}`,
      ),
    `written to ${path}`,
  ];
}
