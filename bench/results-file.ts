import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { allArms } from './all-arms.ts';
import { peerVersions } from './against/package.ts';
import { shapeOfSaga } from './against/shape.ts';
import { type ArmResult, merged, type Results } from './results.ts';
import type { World } from './world.ts';
import { projectDir } from '#local/stack/own-process.ts';

const resultsDir = join(projectDir, 'bench/results');
/** What was not saved; not committed. */
const LATEST = 'latest.json';

/** Writes them to bench/results: as the day's, together with what was measured last of all other arms, or as the latest ones. Gives the file. */
export async function writeResults(world: World, arms: readonly ArmResult[], save: boolean): Promise<string> {
  const fresh: Results = {
    machine: {
      cores: cpus().length,
      memoryGb: Math.round(totalmem() / 1e9),
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
    },
    versions: await versions(world, arms),
    saga: await sagaCounts(),
    arms,
  };
  const file = join(resultsDir, save ? `${new Date().toISOString().slice(0, 10)}.json` : LATEST);
  const old = save ? committedResults() : undefined;
  const names = allArms.map(({ name }) => name);
  mkdirSync(resultsDir, { recursive: true });
  writeFileSync(file, asText(merged(old, fresh, names)));
  return file;
}

/** As the formatter of the sources wants it: a measurement that is committed as it was written passes its check. */
export function asText(results: Results): string {
  const formatter = join(projectDir, 'node_modules/.bin/oxfmt');
  const input = JSON.stringify(results, null, 1);
  return execFileSync(formatter, ['--stdin-filepath', join(resultsDir, LATEST)], {
    cwd: projectDir,
    input,
    encoding: 'utf8',
  });
}

/** The newest that are committed. */
export function committedResults(): Results | undefined {
  const file = globSync(join(resultsDir, '????-??-??.json')).toSorted().at(-1);
  return file === undefined ? undefined : (JSON.parse(readFileSync(file, 'utf8')) as Results);
}

async function sagaCounts(): Promise<Results['saga']> {
  const { messages, steps } = await shapeOfSaga();
  const deliveries = messages.reduce((sum, { routes }) => sum + routes.length, 0);
  return { messages: messages.length, deliveries, steps: steps.length };
}

/** Of what took part. */
async function versions(world: World, arms: readonly ArmResult[]): Promise<Results['versions']> {
  const ran = (group: string): boolean => arms.some((arm) => arm.group === group && arm.cases.length > 0);
  return {
    Node: process.versions.node,
    RabbitMQ: await world.brokerVersion(),
    SQLite: process.versions['sqlite'] ?? '',
    ...(ran('peers') ? { Redis: said('redis-server'), PostgreSQL: said('psql'), ...peerVersions() } : {}),
  };
}

/** The first number with dots in what `--version` says. */
function said(program: string): string {
  try {
    return /\d+(\.\d+)+/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' }))?.[0] ?? '';
  } catch {
    return 'not there';
  }
}
