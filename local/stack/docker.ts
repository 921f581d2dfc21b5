import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Guarded } from './guardian.ts';

const run = promisify(execFile);

export const BROKER_IMAGE = 'rabbitmq:4-management';
export const DATABASE_IMAGE = 'mongo:8';

/** True when a Docker engine answers within a few seconds. */
export async function engineAnswers(): Promise<boolean> {
  return succeeds(['version', '--format', '{{.Server.Version}}']);
}

/** True when an engine answers and has the image; nothing is pulled. */
export async function hasImage(image: string): Promise<boolean> {
  return (await engineAnswers()) && succeeds(['image', 'inspect', '--format', '{{.Id}}', image]);
}

/** Pulls an image; false when that is not possible. */
export async function pullImage(image: string): Promise<boolean> {
  return succeeds(['pull', '--quiet', image], 600_000);
}

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly dir: string;
  readonly recordDir: string;
  /** Port inside -> loopback port outside. */
  readonly ports: Readonly<Record<number, number>>;
  /** Folder outside -> path inside. */
  readonly volumes: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

/** A container in the foreground, so that a guardian can end it; it runs as the caller, so its files are the caller's. */
export async function container(spec: ContainerSpec): Promise<Guarded> {
  const name = `switchyard-${spec.name}-${createHash('sha256').update(spec.dir).digest('hex').slice(0, 12)}`;
  for (const outside of Object.keys(spec.volumes)) mkdirSync(outside, { recursive: true });
  await succeeds(['rm', '--force', name], 30_000); // left by a start that was killed
  const flags = [
    ...Object.entries(spec.ports).flatMap(([inside, outside]) => ['--publish', `127.0.0.1:${outside}:${inside}`]),
    ...Object.entries(spec.volumes).flatMap(([outside, inside]) => ['--volume', `${outside}:${inside}`]),
    ...Object.entries(spec.env ?? {}).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    ...(process.getuid ? ['--user', `${process.getuid()}:${process.getgid?.() ?? 0}`] : []),
  ];
  return {
    name: `${spec.name}-container`,
    command: 'docker',
    args: ['run', '--rm', '--name', name, '--hostname', 'switchyard', ...flags, spec.image, ...(spec.args ?? [])],
    env: definedEnvironment(),
    graceMs: 20_000,
    recordDir: spec.recordDir,
  };
}

function definedEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

async function succeeds(args: readonly string[], timeoutMs = 5000): Promise<boolean> {
  try {
    await run('docker', [...args], { timeout: timeoutMs });
    return true;
  } catch {
    return false;
  }
}
