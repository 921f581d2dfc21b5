import type { RunningService, Service } from './kit.ts';
import type { RouteTable } from '#shared/bus/topology/topology.ts';
import { ConfigError, reasonOf } from '#shared/errors.ts';

/**
 * Runs a service as this process: SIGTERM and SIGINT drain it, a second one ends it at once. A configuration that must
 * not run is printed, all of it, and ends the process with 78 (EX_CONFIG of sysexits.h).
 */
export async function runProcess(service: Service, table: RouteTable): Promise<void> {
  let running: RunningService;
  try {
    running = await service.start(process.env, table);
  } catch (error) {
    process.stderr.write(`${service.name}: ${reasonOf(error)}\n`);
    process.exit(error instanceof ConfigError ? 78 : 1);
  }
  let asked = false;
  const stop = (): void => {
    if (asked) process.exit(1);
    asked = true;
    running.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${service.name}: could not stop cleanly: ${reasonOf(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
