/** The door of a town: the endpoints of all services over what the town has stored, without sockets. */
import { connectionTo } from './connection.ts';
import type { MemoryBroker } from '#shared/bus/memory/memory-bus.ts';
import type { Clock } from '#shared/clock.ts';
import type { MemoryStore } from '#shared/entity/stores/memory-store.ts';
import { sealedPlainly } from '#test/support/checkouts.ts';
import { silentRoutes } from '#services/checkout/contract.ts';
import { createBoard, slowingBy } from '#services/circuit-breaker/board.ts';
import { slowing, whyParked } from '#services/circuit-breaker/contract.ts';
import { defaultSettings } from '#services/gateway/gateway.ts';
import { createIntake } from '#services/gateway/intake.ts';
import { createMemoryRequests } from '#services/gateway/memory-requests.ts';
import { services } from '#services/services.ts';
import { createAsker } from '#shared/question/asker.ts';
import { silentLog } from '#shared/log.ts';
import { mounted, storedViews } from '#shared/web/api.ts';
import type { Answer, Endpoint } from '#shared/web/endpoint.ts';
import { answerLookup } from '#shared/web/lookup.ts';
import type { IfMatch } from '#shared/web/preconditions.ts';
import { Problem } from '#shared/web/problems.ts';
import { validate } from '#shared/web/validate.ts';

export interface AskOptions {
  readonly body?: unknown;
  /** Whose token it is; absent: an operator's. */
  readonly as?: string;
  readonly key?: string;
  readonly ifMatch?: IfMatch;
}

const trace = { traceId: '0'.repeat(32), traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` };

/** What a door stands before. */
export interface Doorstep {
  /** `during` lets time pass until there is a result. */
  readonly clock: Clock & { during<T>(promise: Promise<T>): Promise<T> };
  readonly broker: Pick<MemoryBroker, 'connect'>;
  /** By service. */
  readonly homes: ReadonlyMap<string, { readonly store: MemoryStore<unknown> }>;
}

/** `isSilent`: whether nobody has been heard of that works on the route. */
export function createDoor({ clock, broker, homes }: Doorstep, isSilent: (route: string) => boolean = () => false) {
  const stores = new Map([...homes].map(([name, { store }]) => [name, store]));
  const requests = createMemoryRequests(clock.now);
  const bus = broker.connect('gateway');
  const board = createBoard(clock);
  const asker = createAsker({ bus, clock, log: silentLog });
  const intake = createIntake({
    ...defaultSettings,
    ask: asker.ask,
    maxPlacing: 1_000_000,
    bus,
    board,
    requests,
    clock,
    log: silentLog,
  });
  const stored = storedViews(services, connectionTo(stores));
  const views = { ...stored, checkout: { ...(stored['checkout'] as object), seal: sealedPlainly } };
  const endpoints = mounted(services, views, intake, [
    answerLookup(whyParked, async () => undefined),
    answerLookup(silentRoutes, async (routes) => routes.filter(isSilent)),
    answerLookup(slowing, async (route) => slowingBy(board, route)),
  ]);

  /** What would be answered; a problem is an answer too. Virtual time must pass meanwhile. */
  async function ask<Body>(method: Endpoint['method'], target: string, options: AskOptions = {}) {
    const { body, as, key, ifMatch } = options;
    const { pathname, searchParams } = new URL(target, 'http://town');
    const [endpoint, params] = found(method, pathname);
    const answer = async (): Promise<Answer> =>
      endpoint.handle({
        params,
        query: endpoint.query && validate(endpoint.query, Object.fromEntries(searchParams), 'query'),
        body: endpoint.body && validate(endpoint.body, body ?? {}, 'body'),
        caller: as === undefined ? { role: 'operator', subject: 'root' } : { role: 'customer', subject: as },
        trace,
        ...(key !== undefined && { idempotencyKey: key }),
        ...(ifMatch !== undefined && { ifMatch }),
      });
    try {
      return (await answer()) as Answer & { readonly body: Body };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const problem: Answer = { status: error.status, headers: error.headers, body: error.document(pathname, '') };
      return problem as Answer & { readonly body: Body };
    }
  }

  function found(method: string, path: string): readonly [Endpoint, Readonly<Record<string, string>>] {
    for (const endpoint of endpoints) {
      const pattern = new RegExp(`^${endpoint.path.replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}$`);
      const match = endpoint.method === method ? pattern.exec(path) : null;
      if (match === null) continue;
      const given = Object.entries(match.groups ?? {}).map(([name, text]) => [name, decodeURIComponent(text)]);
      return [endpoint, Object.fromEntries(given) as Readonly<Record<string, string>>];
    }
    throw new Error(`the door has no ${method} ${path}`);
  }

  return {
    ask,
    /** What the door knows of the gates; of none before it is told. */
    board,
    /** Asks, and lets time pass until there is an answer. */
    answered: <Body>(...asked: Parameters<typeof ask>) => clock.during(ask<Body>(...asked)),
  };
}

export type TownDoor = ReturnType<typeof createDoor>;
