import { z } from 'zod';
import { type Call, type Endpoint, endpoint, ok, type Tag } from '#shared/web/endpoint.ts';
import { dependencyUnavailable, outcomeUnknown, Problem } from '#shared/web/problems.ts';
import { shape } from '#shared/web/shapes.ts';
import { Late } from '#shared/within.ts';
import type { Bus } from '#shared/bus/bus.ts';
import type { RouteTable } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import { createAsking } from '#shared/control/ask.ts';
import { PublishError } from '#shared/errors.ts';
import {
  type Faults,
  FAULTS_APPLIED,
  faultsOf,
  faultsReply,
  type FaultsReply,
  faultsSchema,
} from '#shared/host/faults.ts';
import type { Log } from '#shared/log.ts';

const faultsTag: Tag = {
  name: 'Faults',
  description: 'Misbehaviour on demand, where it is switched on. For operators.',
};

export interface FaultControl {
  /** Resolves once every copy of the service that lives has applied them. Throws `Problem`. */
  apply(service: string, faults: Faults): Promise<void>;
  /** Those that it has now, by the word of the copy that answers first. Throws `Problem`. */
  read(service: string): Promise<Faults>;
  close(): Promise<void>;
}

/** How long a read waits: less than the door gives it. */
const READ_MS = 3000;
/** The same when no copy is known to live: one that just started answers at once, one that is frozen never. */
const SILENT_MS = 1000;

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
  const asking = createAsking({ ...options, replyKey: FAULTS_APPLIED, reply: faultsReply });

  const isThere = (service: string): boolean => copies(service) > 0;

  async function answerOf(
    service: string,
    question: object,
    { wanted, waitMs = options.waitMs }: { readonly wanted: () => number; readonly waitMs?: number },
  ): Promise<FaultsReply> {
    try {
      const how = { wanted, waitMs, isThere: () => isThere(service) };
      return await asking.ask(faultsOf(service), { id: clock.id(), service, ...question }, how);
    } catch (cause) {
      if (cause instanceof Late && !isThere(service) && !('faults' in question))
        throw dependencyUnavailable(service, `the service ${service} does not answer${downOf(service)}`, cause);
      if (cause instanceof Late)
        throw outcomeUnknown(`no answer from the service ${service}, or not from all of its copies`, cause);
      if (cause instanceof PublishError)
        throw dependencyUnavailable(service, `the service ${service} does not listen${downOf(service)}`, cause);
      throw cause;
    }
  }

  const downOf = (service: string): string => (isThere(service) ? '' : ': no copy of it is known to run');

  return {
    async apply(service, faults) {
      const { problem } = await answerOf(service, { faults }, { wanted: () => Math.max(1, copies(service)) });
      if (problem !== undefined) throw new Problem('validation', problem);
    },
    async read(service) {
      const waitMs = Math.min(options.waitMs, isThere(service) ? READ_MS : SILENT_MS);
      return (await answerOf(service, {}, { wanted: () => 1, waitMs })).faults ?? {};
    },
    close: asking.close,
  };
}

const faultsApplied = shape({
  service: z.string().describe('The service.'),
  faults: faultsSchema.describe('What it does now.'),
}).meta({ examples: [{ service: 'wallet', faults: { refuseAt: ['wallet.capture'] } }] });

const ofService = { service: 'The name of the service.' };

/** Only in a profile that enables faults. */
export function faultEndpoints(faults: FaultControl, { services }: Pick<RouteTable, 'services'>): readonly Endpoint[] {
  /** Faults are those of entities: a service without any has nobody to tell. */
  const listening = Object.entries(services).flatMap(([name, { route }]) => (route === undefined ? [] : [name]));

  function target(params: Call['params']): string {
    const service = params['service'] ?? '';
    if (listening.includes(service)) return service;
    const there = Object.hasOwn(services, service)
      ? `the service ${service} takes no faults`
      : 'there is no such service';
    throw new Problem('not-found', `${there}; these take faults: ${listening.join(', ')}`);
  }

  return [
    endpoint('PUT', '/v1/faults/:service', {
      id: 'setFaults',
      tag: faultsTag,
      summary: 'Make a service misbehave; `{}` ends it.',
      params: ofService,
      access: 'operator',
      body: faultsSchema,
      problems: ['outcome-unknown'],
      example: { latencyMs: 500, failRate: { numerator: 1, denominator: 10 } },
      answers: { 200: faultsApplied },
      async handle({ params, body }) {
        const service = target(params);
        await faults.apply(service, body);
        return ok({ service, faults: body });
      },
    }),
    endpoint('GET', '/v1/faults/:service', {
      id: 'getFaults',
      tag: faultsTag,
      summary: 'The faults that a service was told to have.',
      params: ofService,
      access: 'operator',
      answers: { 200: faultsApplied },
      async handle({ params }) {
        const service = target(params);
        return ok({ service, faults: await faults.read(service) });
      },
    }),
    endpoint('DELETE', '/v1/faults/:service', {
      id: 'endFaults',
      tag: faultsTag,
      summary: 'Let a service behave again.',
      params: ofService,
      access: 'operator',
      answers: { 200: faultsApplied },
      async handle({ params }) {
        const service = target(params);
        await faults.apply(service, {});
        return ok({ service, faults: {} });
      },
    }),
  ];
}
