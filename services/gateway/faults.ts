import { createAsking } from './asking.ts';
import { type Answer, type Call, ok } from '#shared/web/endpoint.ts';
import { dependencyUnavailable, Problem, retryAfter } from '#shared/web/problems.ts';
import type { Faults } from './schemas.ts';
import { Late } from '#shared/within.ts';
import type { Bus } from '#shared/bus/bus.ts';
import type { RouteTable } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { PublishError } from '#shared/errors.ts';
import { faultsReply, type FaultsReply } from '#shared/host/faults.ts';
import type { Log } from '#shared/log.ts';

export interface FaultControl {
  /** Resolves once every copy of the service that lives has applied them. Throws `Problem`. */
  apply(service: string, faults: Faults): Promise<void>;
  /** Those that it has now, by the word of the copy that answers first. Throws `Problem`. */
  read(service: string): Promise<Faults>;
  close(): Promise<void>;
}

/** Tells services over the exchange `control` which faults to have; only in a profile that enables it. */
export function createFaultControl(options: {
  readonly bus: Pick<Bus, 'publish' | 'subscribe'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly waitMs: number;
  /** How many copies of a service are known to live now; 0 when it does not tell. */
  readonly copies?: (service: string) => number;
}): FaultControl {
  const { clock, copies = () => 0 } = options;
  const asking = createAsking({ ...options, replyKey: 'faults-applied', reply: faultsReply });

  async function answerOf(service: string, question: object, wanted: () => number): Promise<FaultsReply> {
    try {
      return await asking.ask(`faults.${service}`, { id: clock.id(), service, ...question }, { wanted });
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
  }

  return {
    async apply(service, faults) {
      const { problem } = await answerOf(service, { faults }, () => Math.max(1, copies(service)));
      if (problem !== undefined) throw new Problem('validation', problem);
    },
    read: async (service) => (await answerOf(service, {}, () => 1)).faults ?? {},
    close: asking.close,
  };
}

export function faultHandlers({
  faults,
  table,
}: {
  readonly faults?: FaultControl | undefined;
  readonly table: Pick<RouteTable, 'services'>;
}) {
  /** Faults are those of entities: a service without any has nobody to tell. */
  const listening = Object.entries(table.services).flatMap(([name, { route }]) => (route === undefined ? [] : [name]));

  function target(params: Call['params']): { readonly service: string; readonly control: FaultControl } {
    const service = params['service'] ?? '';
    if (faults === undefined) throw new Problem('not-found', 'fault injection is not enabled here');
    if (listening.includes(service)) return { service, control: faults };
    const there = Object.hasOwn(table.services, service)
      ? `the service ${service} takes no faults`
      : 'there is no such service';
    throw new Problem('not-found', `${there}; these take faults: ${listening.join(', ')}`);
  }

  return {
    async apply({ params, body }: Call<unknown, Faults>): Promise<Answer> {
      const { service, control } = target(params);
      await control.apply(service, body);
      return ok({ service, faults: body });
    },

    async find({ params }: Call): Promise<Answer> {
      const { service, control } = target(params);
      return ok({ service, faults: await control.read(service) });
    },

    async clear({ params }: Call): Promise<Answer> {
      const { service, control } = target(params);
      await control.apply(service, {});
      return ok({ service, faults: {} });
    },
  };
}
