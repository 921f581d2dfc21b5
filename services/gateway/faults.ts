import { z } from 'zod';
import { createAsking } from './asking.ts';
import { type Answer, type Call, ok } from '#shared/web/endpoint.ts';
import { dependencyUnavailable, Problem, retryAfter } from '#shared/web/problems.ts';
import type { Faults } from './schemas.ts';
import { Late } from '#shared/within.ts';
import type { Bus } from '#shared/bus/bus.ts';
import type { RouteTable } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { PublishError } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

export interface FaultControl {
  /** Resolves once every copy of the service that lives has applied them. Throws `Problem`. */
  apply(service: string, faults: Faults): Promise<void>;
  close(): Promise<void>;
}

const acknowledgement = z.object({ id: z.string() });

/** Tells services over the exchange `control` which faults to have; only in a profile that enables it. */
export function createFaultControl(options: {
  readonly bus: Pick<Bus, 'publish' | 'subscribe'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly waitMs: number;
  /** How many copies of a service are known to live now; 0 when it does not tell. */
  readonly copies?: (service: string) => number;
}): FaultControl {
  const { copies = () => 0 } = options;
  const { ask, close } = createAsking({ ...options, replyKey: 'faults-applied', reply: acknowledgement });
  return {
    async apply(service, faults) {
      try {
        const question = { id: options.clock.id(), service, faults };
        await ask(`faults.${service}`, question, { wanted: () => Math.max(1, copies(service)) });
      } catch (cause) {
        if (cause instanceof Late)
          throw new Problem('outcome-unknown', `no answer from the service ${service}, or not from all of its copies`, {
            cause,
            headers: retryAfter(1000),
          });
        if (cause instanceof PublishError)
          throw dependencyUnavailable(service, `the service ${service} does not listen`, cause);
        throw cause;
      }
    },
    close,
  };
}

export function faultHandlers({
  faults,
  table,
}: {
  readonly faults?: FaultControl | undefined;
  readonly table: Pick<RouteTable, 'services'>;
}) {
  return {
    async apply({ params, body }: Call<unknown, Faults>): Promise<Answer> {
      const service = params['service'] ?? '';
      if (faults === undefined) throw new Problem('not-found', 'fault injection is not enabled here');
      if (!Object.hasOwn(table.services, service)) throw new Problem('not-found', 'there is no such service');
      await faults.apply(service, body);
      return ok({ service, faults: body });
    },
  };
}
