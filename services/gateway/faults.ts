import { z } from 'zod';
import { type Answer, type Call, ok } from './endpoint.ts';
import { Problem, retryAfter } from './problems.ts';
import type { Faults } from './schemas.ts';
import { Late, within } from './within.ts';
import { routeTable } from '#services/routes.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { CONTROL } from '#shared/bus/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { PublishError, reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';

export interface FaultControl {
  /** Resolves once a copy of the service has applied them. Throws `Problem`. */
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
}): FaultControl {
  const { bus, clock, log, waitMs } = options;
  const waiting = new Map<string, () => void>();
  const subscription = bus.subscribe(CONTROL, ['faults-applied'], (packet) => {
    const parsed = acknowledgement.safeParse(json(packet.content));
    if (parsed.success) waiting.get(parsed.data.id)?.();
  });
  subscription.catch((error: unknown) =>
    log.error('fault acknowledgements can not be heard', { reason: reasonOf(error) }),
  );

  return {
    async apply(service, faults) {
      const id = clock.id();
      const applied = Promise.withResolvers<void>();
      waiting.set(id, applied.resolve);
      try {
        await within(clock, waitMs, subscription);
        const content = Buffer.from(JSON.stringify({ id, service, faults }));
        const packet = { content, contentType: 'application/json', headers: {} };
        await within(clock, waitMs, bus.publish(CONTROL, packet, `faults.${service}`));
        await within(clock, waitMs, applied.promise);
      } catch (cause) {
        if (cause instanceof Late)
          throw new Problem('outcome-unknown', `no answer from the service ${service}`, {
            cause,
            headers: retryAfter(1000),
          });
        if (cause instanceof PublishError)
          throw new Problem('dependency-unavailable', `the service ${service} does not listen`, {
            cause,
            headers: retryAfter(1000),
          });
        throw cause;
      } finally {
        waiting.delete(id);
      }
    },
    async close() {
      const { close } = await subscription;
      await close();
    },
  };
}

export function faultHandlers({ faults }: { readonly faults?: FaultControl | undefined }) {
  return {
    async apply({ params, body }: Call<unknown, Faults>): Promise<Answer> {
      const service = params['service'] ?? '';
      if (faults === undefined) throw new Problem('not-found', 'fault injection is not enabled here');
      if (!Object.hasOwn(routeTable.services, service)) throw new Problem('not-found', 'there is no such service');
      await faults.apply(service, body);
      return ok({ service, faults: body });
    },
  };
}

function json(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString()) as unknown;
  } catch {
    return undefined;
  }
}
