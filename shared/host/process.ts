import type { Environment } from './config.ts';
import type { RunningService, Service, System } from './kit.ts';
import { strangeVariables } from './strange-variables.ts';
import { ConfigError, reasonOf } from '#shared/errors.ts';
import { createLog } from '#shared/log.ts';

/**
 * Runs a service as this process: SIGTERM and SIGINT drain it, a second one ends it at once. A configuration that must
 * not run is printed, all of it, and ends the process with 78 (EX_CONFIG of sysexits.h).
 */
export async function runProcess(service: Service, system: System): Promise<void> {
  warnOfStrangeVariables(service.name, process.env, system.variables);
  let running: RunningService;
  try {
    running = await service.start(process.env, system);
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

function warnOfStrangeVariables(name: string, environment: Environment, variables: readonly string[]): void {
  const log = createLog(name, 'warn');
  for (const problem of strangeVariables(environment, variables)) log.warn(problem);
}
