import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CannotRun } from '#bench/arm.ts';
import { projectDir } from '#local/stack/own-process.ts';
import { reasonOf } from '#shared/errors.ts';

/** The peers are packages of their own: nothing else of the project has them, and only the benchmark installs them. */
export const peersDir: string = join(projectDir, 'bench/peers');

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly optional?: boolean }>>;
}

/** Installs them unless what the lock file says is there. @throws {CannotRun} when npm cannot */
export async function installPeers(say: (text: string) => void): Promise<void> {
  if (isInstalled()) return;
  say('  installing the peers into bench/peers ...');
  const npm = process.env['npm_execpath'];
  const [command, first] = npm?.endsWith('.js') === true ? [process.execPath, [npm]] : ['npm', []];
  const args = [...first, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  try {
    await promisify(execFile)(command, args, { cwd: peersDir });
  } catch (error) {
    throw new CannotRun(`the peers could not be installed: ${reasonOf(error)}`);
  }
}

function isInstalled(): boolean {
  const there = join(peersDir, 'node_modules/.package-lock.json');
  if (!existsSync(there)) return false;
  const present = read(there);
  return Object.entries(read(join(peersDir, 'package-lock.json')).packages).every(
    ([path, { version, optional }]) => path === '' || optional === true || present.packages[path]?.version === version,
  );
}

/** Exact versions, by name of the package. */
export function peerVersions(): Readonly<Record<string, string>> {
  const { dependencies } = JSON.parse(readFileSync(join(peersDir, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  return dependencies;
}

/** One of them; what is used of it is described by whoever asks, the types are not there when it is not installed. */
export function peer<Module>(name: string): Module {
  return createRequire(join(peersDir, 'package.json'))(name) as Module;
}

function read(file: string): Lock {
  return JSON.parse(readFileSync(file, 'utf8')) as Lock;
}
