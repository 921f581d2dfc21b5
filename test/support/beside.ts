/** The services of another tree, such as the version before, in one process beside those of a stack: on its broker and database, with an API of their own. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { TestStack } from './stack.ts';
import { until } from './until.ts';
import { projectDir } from '#local/stack/own-process.ts';
import { anyFreePort, releasePort } from '#local/stack/ports.ts';
import { serviceSpecs } from '#local/stack/service-specs.ts';
import { supervise } from '#local/stack/supervisor.ts';
import { serviceNames } from '#services/services.ts';

export interface Beside {
  readonly apiUrl: string;
  /** Hands over what it works on, and ends. */
  stop(): Promise<void>;
}

/** The commit before the one that brought this path; `undefined`: this clone has not that much history. */
export function commitBefore(path: string): string | undefined {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: projectDir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const added = git('log', '--reverse', '--diff-filter=A', '--format=%H', '--', path).split('\n')[0] ?? '';
    return git('rev-parse', '--verify', `${added}^{commit}^`);
  } catch {
    return undefined;
  }
}

/** Puts the tree of a commit into a folder of the stack, with the packages of this one. */
export function checkOut(commit: string, { dir }: Pick<TestStack, 'dir'>): string {
  const tree = join(dir, 'tree');
  mkdirSync(tree);
  const archive = join(dir, 'tree.tar');
  execFileSync('git', ['archive', '--output', archive, commit], { cwd: projectDir });
  execFileSync('tar', ['-xf', archive, '-C', tree]);
  symlinkSync(join(projectDir, 'node_modules'), join(tree, 'node_modules'));
  return tree;
}

/** Starts all services of that tree; resolves when they are ready. */
export async function startBeside({ parts }: Pick<TestStack, 'parts'>, tree: string, label: string): Promise<Beside> {
  const names = readdirSync(join(tree, 'services')).filter(
    (name) => serviceNames.includes(name) && existsSync(join(tree, 'services', name, 'main.ts')),
  );
  const ports: Record<string, number> = {};
  for (const name of names) ports[name] = await anyFreePort();
  const copies = names.map((service) => ({ service, name: service, worker: `${label}-${service}` }));
  const [spec] = serviceSpecs({ ...parts, processes: 'one' }, copies, { ...parts.ports, services: ports });
  const args = spec!.args.map((arg) => arg.replace(projectDir, tree));
  const running = supervise({ ...spec!, name: label, args }, parts);
  const stop = async (): Promise<void> => {
    await running.stop();
    for (const port of Object.values(ports)) releasePort(port);
  };
  const readyOf = async (name: string): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${ports[name]}/readyz`, { signal: AbortSignal.timeout(3000) });
    return response.ok ? '' : response.text();
  };
  try {
    const isReady = (trouble: string): boolean => trouble === '';
    for (const name of names) await until(`${label}: ${name} is ready`, () => readyOf(name), isReady);
  } catch (error) {
    await stop();
    throw error;
  }
  return { apiUrl: `http://127.0.0.1:${ports['gateway']}`, stop };
}
