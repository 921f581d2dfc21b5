import { auditEndpoints } from './audit-routes.ts';
import type { Audits } from './audits.ts';
import { breakerEndpoints, type BreakerParts } from './breakers.ts';
import { type DeadLetters, deadLetterEndpoints } from './dead-letters.ts';
import { type FaultControl, faultEndpoints } from './faults.ts';
import { workerEndpoints, type WorkerParts } from './workers.ts';
import type { Endpoint } from '#shared/web/endpoint.ts';

export interface OperatorParts extends Omit<BreakerParts, 'routes'>, WorkerParts {
  /** Absent: its endpoints do not exist. */
  readonly deadLetters?: DeadLetters | undefined;
  /** Absent: its endpoints do not exist. */
  readonly audits?: Audits | undefined;
  /** Absent: the fault endpoints do not exist. */
  readonly faults?: FaultControl | undefined;
}

/** What operators may ask of the system as a whole, not of one service. */
export function operatorEndpoints(parts: OperatorParts): readonly Endpoint[] {
  const { audits, clock, deadLetters, faults, table } = parts;
  const { routes } = table;
  return [
    ...breakerEndpoints({ ...parts, routes }),
    ...(deadLetters === undefined ? [] : deadLetterEndpoints(deadLetters, clock, routes)),
    ...(audits === undefined ? [] : auditEndpoints(audits, clock)),
    ...workerEndpoints(parts),
    ...(faults === undefined ? [] : faultEndpoints(faults, table)),
  ];
}
