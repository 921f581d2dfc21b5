import { routeTable } from '#services/services.ts';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGateway } from '#services/gateway/gateway-app.ts';
import type { FaultControl } from '#services/gateway/faults.ts';
import { assemble, type GatewayOptions, type Settings } from '#services/gateway/gateway.ts';
import type { AskBreaker } from '#services/gateway/breakers.ts';
import type { Audits } from '#services/gateway/audit-routes.ts';
import type { DeadLetters } from '#services/gateway/dead-letters.ts';
import { createMemoryRequests } from '#services/gateway/memory-requests.ts';
import { routes } from '#services/gateway/routes.ts';
import { createBoard } from '#services/gateway/snapshot.ts';
import { createRoll } from '#services/gateway/worker-roll.ts';
import { createStream } from '#services/gateway/stream.ts';
import { parseTokenKeys, type Role, signToken } from '#shared/web/tokens.ts';
import type { OrderView, Outcome, Views } from '#services/gateway/views.ts';
import { decode } from '#shared/bus/envelope.ts';
import { type Clock, systemClock } from '#shared/clock.ts';
import { type PublishFailure, PublishError } from '#shared/errors.ts';
import { type Log, silentLog } from '#shared/log.ts';
import type { Message } from '#shared/message.ts';
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

/** Views over plain maps. */
function createFakeViews() {
  const orders = new Map<string, OrderView>();
  const wallets = new Map<string, object>();
  const outcomes = new Map<string, Outcome>();
  const views: Views = {
    orders: {
      find: async (orderId) => orders.get(orderId),
      async list({ customerId, status, limit, cursor }) {
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
    payments: { byOrder: async (orderId) => ({ items: orders.has(orderId) ? [{ id: `pay-${orderId}` }] : [] }) },
    deliveries: { byOrder: async (orderId) => ({ items: orders.has(orderId) ? [{ id: `dlv-${orderId}` }] : [] }) },
    wallets: {
      wallet: async (customerId) => wallets.get(customerId),
      entries: async () => ({ items: [] }),
      outcome: async (_, messageId) => outcomes.get(messageId),
    },
    sagas: {
      timeline: async () => undefined,
      notBegun: (orderId) => ({ orderId, state: 'running', definition: 'place-order@1', steps: [] }),
      outcome: async (_, messageId) => outcomes.get(messageId),
    },
    breakers: { transitions: async () => ({ items: [] }) },
    emails: { emails: async () => ({ items: [] }) },
  };
  return { views, orders, wallets, outcomes };
}

/** A gateway behind a real HTTP server on a free port, with a fake bus and fake views. */
export async function startWorld(
  options: {
    readonly settings?: Partial<Settings>;
    readonly faults?: FaultControl;
    readonly log?: Log;
    readonly tokens?: GatewayOptions['tokens'];
    readonly clock?: Clock;
    readonly views?: Partial<Views>;
    readonly bus?: GatewayOptions['bus'];
    readonly askBreaker?: AskBreaker;
    readonly deadLetters?: DeadLetters;
    readonly audits?: Audits;
    readonly onRefused?: GatewayOptions['onRefused'];
    readonly shedOrder?: GatewayOptions['shedOrder'];
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
  const parts: GatewayOptions = {
    bus: options.bus ?? bus,
    table: routeTable,
    board,
    stream,
    askBreaker: options.askBreaker ?? nobody,
    workers,
    deadLetters: options.deadLetters,
    audits: options.audits,
    onRefused: options.onRefused,
    shedOrder: options.shedOrder,
    views: { ...views, ...options.views },
    requests,
    tokens: options.tokens ?? keys,
    clock,
    log: options.log ?? silentLog,
    faults: options.faults,
    settings,
  };
  const app = createGateway(parts);
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
    endpoints: routes(assemble(parts)),
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

export function placedOrder(id: string, customerId: string, status: OrderView['status'] = 'pending'): OrderView {
  return { id, customerId, status, createdAt: '2026-01-01T00:00:00.000Z' };
}
