/** Runs every service in this one process: the same code, a modular monolith. `SERVICE_ENVIRONMENTS`: JSON, service -> its environment. */
import { ConfigError, reasonOf } from '#shared/errors.ts';
import type { RunningService } from '#shared/host/kit.ts';
import { routeTable, services as all, system } from '#services/services.ts';

const environments = JSON.parse(process.env['SERVICE_ENVIRONMENTS'] ?? '{}') as Readonly<
  Record<string, Readonly<Record<string, string>>>
>;

/** None runs without the others: the supervisor of this process sees one service that cannot run. */
function end(name: string, error: unknown): void {
  process.stderr.write(`${name}: ${reasonOf(error)}\n`);
  process.exitCode = error instanceof ConfigError ? 78 : 1;
}

async function startAll(): Promise<readonly RunningService[]> {
  const services = all.flatMap((service) => {
    const environment = environments[service.name];
    return environment === undefined ? [] : [{ name: service.name, environment, service }];
  });
  // What is wrong is told of every service before one of them begins.
  for (const { name, environment, service } of services) {
    try {
      service.check(environment, routeTable);
    } catch (error) {
      end(name, error);
    }
  }
  if (process.exitCode !== undefined) process.exit();
  return await Promise.all(
    services.map(async ({ name, environment, service }) => {
      try {
        return await service.start(environment, system);
      } catch (error) {
        end(name, error);
        process.exit();
      }
    }),
  );
}

const starting = startAll();

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
