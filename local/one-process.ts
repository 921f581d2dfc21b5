/** Runs every service in this one process: the same code, a modular monolith. `SERVICE_ENVIRONMENTS`: JSON, service -> its environment. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Service } from '#shared/service.ts';
import { projectDir } from './own-process.ts';

const environments = JSON.parse(process.env['SERVICE_ENVIRONMENTS'] ?? '{}') as Readonly<
  Record<string, Readonly<Record<string, string>>>
>;

const running = await Promise.all(
  Object.entries(environments).map(async ([name, environment]) => {
    const main = pathToFileURL(join(projectDir, 'services', name, 'main.ts')).href;
    const { service } = (await import(main)) as { readonly service: Service };
    return service.start(environment);
  }),
);

async function stopAll(): Promise<void> {
  await Promise.allSettled(running.map((one) => one.stop()));
  process.exit(0);
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stopAll()); // ends the process
