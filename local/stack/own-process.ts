import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Guarded } from './guardian.ts';
import type { ProcessSpec } from './supervisor.ts';

/** The project's folder. */
export const projectDir = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const PASSED_ON = [
  'PATH',
  'HOME',
  'USER',
  'LANG',
  'LC_ALL',
  'TZ',
  'NODE_OPTIONS',
  'NODE_COMPILE_CACHE',
  'NODE_EXTRA_CA_CERTS',
  'DOCKER_HOST',
];
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning', '--enable-source-maps'];

/** What every child process gets of our environment, and a folder for temporary files that is inside the project. */
export function baseEnvironment(dir: string): Record<string, string> {
  const tmp = join(dir, 'tmp');
  mkdirSync(tmp, { recursive: true });
  const passed = PASSED_ON.flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]] as const],
  );
  return { ...Object.fromEntries(passed), TMPDIR: tmp, NODE_ENV: process.env['NODE_ENV'] ?? 'production' };
}

/** One of our own `.ts` files as a process that ends when its parent does. `file` is relative to the project. */
export function ownProcess(
  dir: string,
  spec: {
    readonly name: string;
    readonly file: string;
    readonly args?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
  },
): ProcessSpec {
  const preload = pathToFileURL(join(projectDir, 'local/stack/end-with-parent.ts')).href;
  return {
    name: spec.name,
    command: process.execPath,
    args: [...NODE_FLAGS, '--import', preload, join(projectDir, spec.file), ...(spec.args ?? [])],
    env: { ...baseEnvironment(dir), ...spec.env },
    stopGraceMs: 10_000,
  };
}

/** Foreign programs under a guardian, which ends them when this process is gone. */
export function guardedProcess(dir: string, name: string, guarded: readonly Guarded[]): ProcessSpec {
  return {
    name,
    command: process.execPath,
    args: [...NODE_FLAGS, join(projectDir, 'local/stack/guardian.ts'), JSON.stringify(guarded)],
    env: baseEnvironment(dir),
    stopGraceMs: 5000 + guarded.reduce((sum, one) => sum + one.graceMs, 0),
  };
}
