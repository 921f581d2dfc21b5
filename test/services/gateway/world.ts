import { routeTable, services } from '#services/services.ts';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FaultControl } from '#services/console/faults.ts';
import { createGateway, type GatewayOptions, type GatewaySettings } from '#services/gateway/gateway.ts';
import type { AskBreaker } from '#services/console/breakers.ts';
import type { Acts } from '#services/console/acts.ts';
import type { Audits } from '#services/console/audits.ts';
import type { DeadLetters } from '#services/console/dead-letters.ts';
import { createMemoryRequests } from '#services/gateway/memory-requests.ts';
import { operatorEndpoints } from '#services/console/operators.ts';
import { doorLookups } from '#services/console/door-lookups.ts';
import type { BreakerQueries } from '#services/circuit-breaker/view.ts';
import type { OrderQuery, OrderView } from '#services/order/view.ts';
import { createBoard } from '#services/circuit-breaker/board.ts';
import { createRoll } from '#shared/partition/roll.ts';
import { createStream } from '#services/console/stream.ts';
import { parseTokenKeys, type Role, signToken } from '#shared/web/tokens.ts';
import { decode } from '#shared/bus/envelope.ts';
import { type Clock, systemClock } from '#shared/clock.ts';
import { type PublishFailure, PublishError } from '#shared/errors.ts';
import { type Log, silentLog } from '#shared/log.ts';
import type { Message } from '#shared/message.ts';
import type { Good } from '#local/stack/demo-catalogue.ts';
import { goodAt } from '#test/support/goods.ts';
import { offered } from '#test/support/offered.ts';
import { createMemoryTableStore } from '#shared/partition/memory-table-store.ts';

export const keys = parseTokenKeys(`test:${'s'.repeat(32)}`);

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface CallOptions {
  readonly as?: string;
  readonly role?: Role;
  readonly token?: string;
  readonly body?: unknown;
  readonly raw?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A bus that answers a publish as it is told; `published` is what it confirmed. */
export function createFakeBus() {
  const published: { readonly exchange: string; readonly message: Message }[] = [];
  let behaviour: (exchange: string, message: Message) => Promise<void> = async () => {};
  return {
    published,
    /** What every publish does from now on. */
    behave(next: typeof behaviour): void {
      behaviour = next;
    },
    fail(code: PublishFailure): void {
      behaviour = async (exchange) => {
        throw new PublishError(code, exchange, 'as told');
      };
    },
    recover(): void {
      behaviour = async () => {};
    },
    async publish(exchange: string, packet: Parameters<typeof decode>[0]): Promise<void> {
      const message = decode(packet);
      await behaviour(exchange, message);
      published.push({ exchange, message });
    },
  };
}

/** What a test needs of an order. */
export type PlacedOrder = Pick<OrderView, 'id' | 'customerId' | 'status' | 'createdAt'>;

/** Views over plain maps. */
function createFakeViews() {
  const orders = new Map<string, PlacedOrder>();
  const wallets = new Map<string, object>();
  const outcomes = new Map<string, { readonly type: string; readonly body: unknown }>();
  const views: Readonly<Record<string, unknown>> = {
    order: {
      find: async (orderId: string) => orders.get(orderId),
      async list({ customerId, status, limit, cursor }: OrderQuery) {
        const all = [...orders.values()]
          .filter((order) => customerId === undefined || order.customerId === customerId)
          .filter((order) => status === undefined || order.status === status)
          .filter((order) => cursor === undefined || order.id < cursor)
          .toSorted((a, b) => (a.id < b.id ? 1 : -1));
        const items = all.slice(0, limit);
        const last = items.at(-1);
        return all.length > limit && last ? { items, nextCursor: last.id } : { items };
      },
    },
    payment: { byOrder: async (orderId: string) => ({ items: orders.has(orderId) ? [{ id: `pay-${orderId}` }] : [] }) },
    delivery: {
      byOrder: async (orderId: string) => ({ items: orders.has(orderId) ? [{ id: `dlv-${orderId}` }] : [] }),
    },
    wallet: {
      wallet: async (customerId: string) => wallets.get(customerId),
      entries: async () => ({ items: [] }),
      outcome: async (_: string, messageId: string) => outcomes.get(messageId),
    },
    saga: {
      timeline: async () => undefined,
      progress: async () => new Map(),
      logs: async () => ({ items: [] }),
      notBegun: (orderId: string) => ({ orderId, state: 'running', definition: 'place-order@1', steps: [] }),
      outcome: async (_: string, messageId: string) => outcomes.get(messageId),
      ended: async () => new Map(),
    },
    checkout: {
      async find(checkoutId: string) {
        const checkout = { checkoutId, status: 'approved', orderId: checkoutId, suggestions: [] };
        return { customerId: 'alice', checkout, events: [], waitsFor: [] };
      },
      seal: async () => ({ verification: 'sealed', fraud: 'sealed' }),
    },
    notify: { emails: async () => ({ items: [] }) },
    basket: { items: async () => [], outcome: async () => undefined },
    pricing: {
      currencyOf: async () => undefined,
      outcome: async () => undefined,
      strategies: async () => undefined,
      list: async () => ({ items: [] }),
      supermarkets: async () => ({ items: [] }),
      prices: async () => ({ items: [] }),
    },
    'dead-letters': { openOf: async () => [] },
  };
  return { views, orders, wallets, outcomes };
}

/** What `anOrder` and the tests' own orders are about. */
const usualGoods: readonly Good[] = [goodAt(1299, 'EUR', 'sku-1'), goodAt(1299, 'EUR', 'book'), goodAt(1, 'EUR', 's')];

/** A view of a service that no test has anything stored for: a list or a look-up by ids, whichever is asked for; nothing was answered. */
const nothingStored: object = new Proxy(
  {},
  {
    get: (_, query) => async () => (query === 'outcome' ? undefined : Object.assign(new Map(), { items: [] })),
  },
);
const empty = Object.fromEntries(services.map(({ name }) => [name, nothingStored]));

/** A gateway behind a real HTTP server on a free port, with a fake bus and fake views. */
export async function startWorld(
  options: {
    readonly settings?: Partial<GatewaySettings>;
    readonly faults?: FaultControl;
    readonly log?: Log;
    readonly tokens?: GatewayOptions['tokens'];
    readonly clock?: Clock;
    /** By name of the service, in the place of those over plain maps. */
    readonly views?: Readonly<Record<string, unknown>>;
    readonly transitions?: BreakerQueries['transitions'];
    /** What the catalogue has, in the place of what the tests' orders are about. */
    readonly goods?: readonly Good[];
    readonly bus?: GatewayOptions['bus'];
    readonly card?: string;
    readonly guestCredit?: GatewayOptions['guestCredit'];
    readonly askBreaker?: AskBreaker;
    /** How the owners of keys answer questions; absent: nobody does. */
    readonly ask?: GatewayOptions['ask'];
    readonly deadLetters?: DeadLetters;
    readonly audits?: Audits;
    readonly acts?: Acts;
    readonly door?: 'operators';
    readonly onRefused?: GatewayOptions['onRefused'];
    readonly shed?: GatewayOptions['shed'];
    readonly stream?: Partial<Parameters<typeof createStream>[0]>;
  } = {},
) {
  const clock = options.clock ?? systemClock;
  const bus = createFakeBus();
  const { views, ...read } = createFakeViews();
  const requests = createMemoryRequests(() => clock.now());
  const settings = { publishMs: 2000, outcomeMs: 150, ...options.settings };
  const board = createBoard(clock);
  const stream = createStream({ board, clock, ...options.stream });
  const workers = { roll: createRoll(clock, 5000), assignments: createMemoryTableStore() };
  const nobody: AskBreaker = () => Promise.reject(new PublishError('returned', 'control', 'nobody listens'));
  const askBreaker = options.askBreaker ?? nobody;
  const { endpoints, app } = createGateway({
    services,
    views: {
      ...empty,
      ...views,
      ...(options.deadLetters && { 'dead-letters': options.deadLetters.view }),
      ...options.views,
    },
    lookups: [
      ...doorLookups({ board, askBreaker, roll: workers.roll, clock }, 1000),
      offered(options.goods ?? usualGoods),
    ],
    operators: operatorEndpoints({
      ...workers,
      table: routeTable,
      board,
      stream,
      askBreaker,
      transitions: options.transitions ?? (async () => ({ items: [] })),
      deadLetters: options.deadLetters,
      audits: options.audits,
      faults: options.faults,
      clock,
    }),
    bus: options.bus ?? bus,
    board,
    ...(options.door && { door: options.door }),
    acts: options.acts,
    card: options.card,
    guestCredit: options.guestCredit,
    ask: options.ask,
    onRefused: options.onRefused,
    shed: options.shed,
    requests,
    tokens: options.tokens ?? keys,
    clock,
    log: options.log ?? silentLog,
    settings,
  });
  const listener = app.callback();
  const server = createServer({ maxHeaderSize: 16_384 }, (request, response) => {
    void listener(request, response); // the app answers its own errors
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;

  async function call(method: string, path: string, request: CallOptions = {}): Promise<Reply> {
    const { as, role = 'customer', body, raw, headers = {} } = request;
    const token =
      request.token ?? (as === undefined ? undefined : await signToken({ subject: as, role, expiresInS: 60 }, keys));
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(content === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(content === undefined ? {} : { body: content as string }),
    });
    const text = await response.text();
    const json = /json/.test(response.headers.get('content-type') ?? '') && text !== '';
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: json ? (JSON.parse(text) as Reply['body']) : {},
    };
  }

  return {
    ...read,
    bus,
    board,
    workers,
    stream,
    requests,
    clock,
    port,
    url,
    call,
    listener,
    /** The whole table, from which the app is made. */
    endpoints,
    order: (request: CallOptions = {}) => call('POST', '/v1/orders', { as: 'alice', body: anOrder(), ...request }),
    async stop() {
      stream.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export type World = Awaited<ReturnType<typeof startWorld>>;

export function anOrder(changes: object = {}) {
  const items = [{ sku: 'sku-1', quantity: 2, unitPrice: { amount: 1299, currency: 'EUR' } }];
  return { customerId: 'alice', email: 'alice@example.com', items, ...changes };
}

export function placedOrder(id: string, customerId: string, status: PlacedOrder['status'] = 'pending'): PlacedOrder {
  return { id, customerId, status, createdAt: '2026-01-01T00:00:00.000Z' };
}
