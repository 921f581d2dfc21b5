/** Runs every service in this one process: the same code, a modular monolith. `SERVICE_ENVIRONMENTS`: JSON, service -> its environment. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError, reasonOf } from '#shared/errors.ts';
import type { RunningService, Service } from '#shared/service.ts';
import { projectDir } from './own-process.ts';

const environments = JSON.parse(process.env['SERVICE_ENVIRONMENTS'] ?? '{}') as Readonly<
  Record<string, Readonly<Record<string, string>>>
>;

async function start([name, environment]: readonly [
  string,
  Readonly<Record<string, string>>,
]): Promise<RunningService> {
  try {
    const main = pathToFileURL(join(projectDir, 'services', name, 'main.ts')).href;
    const { service } = (await import(main)) as { readonly service: Service };
    return await service.start(environment);
  } catch (error) {
    // None runs without the others: whoever supervises this process sees one service that cannot run.
    process.stderr.write(`${name}: ${reasonOf(error)}\n`);
    process.exit(error instanceof ConfigError ? 78 : 1);
  }
}

const starting = Promise.all(Object.entries(environments).map(start));

/** Ends the process: with 1 when one of the services could not stop cleanly. A second signal ends it at once. */
let asked = false;
async function stopAll(): Promise<void> {
  if (asked) process.exit(1);
  asked = true;
  const stopped = await Promise.allSettled((await starting).map((one) => one.stop()));
  for (const result of stopped)
    if (result.status === 'rejected') process.stderr.write(`could not stop cleanly: ${reasonOf(result.reason)}\n`);
  process.exit(stopped.every(({ status }) => status === 'fulfilled') ? 0 : 1);
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stopAll()); // ends the process
await starting;
