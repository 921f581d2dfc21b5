import { services } from '#services/services.ts';
/** Customers who place a seeded mixture of orders through gateways without sockets, and try again until they are told. */
import type { Host } from './host.ts';
import { BAD_NEWS_ONLY } from './abroad.ts';
import { UNWANTED, type SimulatedTown } from './town.ts';
import { goods } from '#test/support/goods.ts';
import { offered } from '#test/support/offered.ts';
import { orderBody } from '#test/support/place.ts';
import { defaultSettings } from '#services/gateway/gateway.ts';
import { createIntake } from '#services/gateway/intake.ts';
import { createMemoryRequests } from '#services/gateway/memory-requests.ts';
import type { Endpoint } from '#shared/web/endpoint.ts';
import { mounted } from '#shared/web/api.ts';
import { answerLookup } from '#shared/web/lookup.ts';
import { whyParked } from '#services/circuit-breaker/contract.ts';
import { Problem } from '#shared/web/problems.ts';
import type { RequestStore } from '#services/gateway/requests.ts';
import { createBoard, watchSnapshots } from '#services/circuit-breaker/board.ts';
import { startSweep } from '#services/gateway/sweep.ts';
import type { PlaceOrder } from '#services/order/placing.ts';
import { shown } from '#services/order/view.ts';
import { release, topUp } from '#services/wallet/contract.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { hash, inbox } from '#shared/bus/topology/topology.ts';
import { silentLog } from '#shared/log.ts';

export const CUSTOMERS = ['ann', 'ben', 'cora', 'dan'];
export const FUNDS = 30_000;
export const UNWANTED_TOP_UPS = ['unwanted-1', 'unwanted-2', 'unwanted-3'];
const UNDOS = 12;
const PATIENCE_MS = 12_500;
const KINDS = [
  {},
  {},
  {},
  {},
  { paymentMethod: 'pm_slow' },
  { paymentMethod: 'pm_declined' },
  { paymentMethod: 'pm_timeout' },
  { amount: 50_000 },
  { currency: 'USD' },
  { sku: 'no-delivery' },
  { takes: BAD_NEWS_ONLY },
] as const;

interface Handlers {
  readonly place: Endpoint['handle'];
  readonly cancel: Endpoint['handle'];
}

export interface Customers {
  /** By customer's key: the order that was accepted under it. */
  readonly accepted: ReadonlyMap<string, string>;
  /** Keys that were refused for good and given up: nothing of theirs may exist. */
  readonly refused: ReadonlySet<string>;
  readonly complaints: readonly string[];
  /** Everybody knows what became of their request. */
  readonly answered: boolean;
}

/** Fills the wallets, without faults. */
export function payIn({ broker }: SimulatedTown): void {
  for (const customerId of CUSTOMERS) broker.put(inbox('wallet'), topUpOf(customerId, `top-up-${customerId}`));
}

/** What is paid in among all the orders for the one whose wallet cannot be written; always past the gate, which may refuse it. */
export function payInForUnwanted({ broker, scheduler, settings, faults }: SimulatedTown, overMs: number): void {
  if (!settings.refusesOne) return;
  for (const id of UNWANTED_TOP_UPS)
    scheduler.clock.after(scheduler.between(0, overMs), () => {
      while (broker.put(hash('wallet'), topUpOf(UNWANTED, id)) !== 'confirmed');
    });
  faults.count('document refused');
}

/** Undo of what nobody did, one after another to each wallet for so long: changes nothing, and tells the order in which it is handled. */
export function sendUndos({ broker, scheduler }: SimulatedTown, forMs: number): void {
  const { clock, between } = scheduler;
  for (const customerId of CUSTOMERS) {
    for (let n = 0; n < UNDOS; n += 1)
      clock.after(between(0, forMs), () => broker.put(hash('wallet'), undoOf(customerId, `undo-${customerId}-${n}`)));
  }
}

/** A sender that is not sure that any of its messages arrived sends all of them again, among new ones. */
export function sendAllAgain({ broker, scheduler, settings }: SimulatedTown, overMs: number): void {
  const { clock, between } = scheduler;
  if (settings.limits.handledIds === undefined) return;
  for (const customerId of CUSTOMERS) {
    const put = (n: number) => broker.put(hash('wallet'), undoOf(customerId, `sent-${customerId}-${n}`));
    const at = between(0, overMs);
    clock.after(at, () => {
      for (let n = 0; n < UNDOS; n += 1) put(n);
    });
    clock.after(at + between(50, 1000), () => {
      for (let n = 0; n < UNDOS; n += 1) {
        put(UNDOS + n);
        put(n);
      }
    });
  }
}

function undoOf(customerId: string, id: string): Packet {
  const body = { customerId, orderId: id, holdId: id, of: id };
  return encode({ id, type: release.name, key: customerId, body, correlationId: id });
}

function topUpOf(customerId: string, id: string): Packet {
  const body = { customerId, topUpId: id, amount: { amount: FUNDS, currency: 'EUR' } };
  return encode({ id, type: topUp.name, key: customerId, body, correlationId: id });
}

/** Each request has an address of its own, by which its order is known. */
function emailOf(key: string, takes = ''): string {
  return `${takes}${key}@example.org`;
}

/** The customer's key of an order. */
export function keyOf(email: string): string {
  return email.replace(BAD_NEWS_ONLY, '').replace('@example.org', '');
}

/** Sends `count` orders within `overMs`. */
export function sendOrders(town: SimulatedTown, count: number, overMs: number): Customers {
  const { scheduler, tell } = town;
  const { clock, between, chance } = scheduler;
  const requests = createMemoryRequests(clock.now);
  const gateways: { handlers: Handlers | undefined }[] = [];
  const accepted = new Map<string, string>();
  const refused = new Set<string>();
  const complaints: string[] = [];
  let open = count;

  for (let copy = 1; copy <= between(1, 3); copy += 1) {
    const gateway: (typeof gateways)[number] = { handlers: undefined };
    gateways.push(gateway);
    town.add(`gateway-${copy}`, async (host) => {
      const board = createBoard(host.clock);
      const snapshots = watchSnapshots(board, { bus: host.bus, log: silentLog });
      const own = throughPorts(host, requests);
      const intake = createIntake({
        ...defaultSettings,
        bus: host.bus,
        board,
        requests: own,
        clock: host.clock,
        log: silentLog,
      });
      const endpoints = mounted(services, viewsOf(town), intake, [
        answerLookup(whyParked, async () => undefined),
        offered(goods),
      ]);
      const handlerOf = (path: string): Endpoint['handle'] =>
        endpoints.find((one) => one.method === 'POST' && one.path === path)!.handle;
      gateway.handlers = { place: handlerOf('/v1/orders'), cancel: handlerOf('/v1/orders/:orderId/cancel') };
      const sweep = startSweep({
        bus: host.bus,
        requests: own,
        clock: host.clock,
        log: silentLog,
        everyMs: 2000,
        publishMs: 2500,
      });
      return async () => {
        gateway.handlers = undefined;
        await Promise.all([sweep.stop(), snapshots.close()]);
        await host.bus.close();
      };
    });
  }

  /** One try: what the gateway answered, or nothing for as long as a customer waits. */
  async function ask(run: (handlers: Handlers) => Promise<{ readonly status: number; readonly body: unknown }>) {
    const { handlers } = gateways[between(0, gateways.length)]!;
    if (handlers === undefined) return undefined;
    const { promise, resolve } = Promise.withResolvers<{ status: number; body: unknown } | undefined>();
    const cancel = clock.after(PATIENCE_MS, () => resolve(undefined));
    run(handlers).then(resolve, (error: unknown) => {
      if (error instanceof Problem) resolve({ status: error.status, body: { type: error.slug } });
      else {
        // What the database says becomes a 503 of unknown outcome further out, in `app.ts`.
        if (!String(error).includes('simulated:')) complaints.push(`the gateway threw ${String(error)}`);
        resolve(undefined);
      }
    });
    const answer = await promise;
    cancel();
    return answer;
  }

  async function send(index: number): Promise<void> {
    const kind = KINDS[between(0, KINDS.length)]!;
    const customerId = CUSTOMERS[between(0, CUSTOMERS.length)]!;
    const key = `order-${index}`;
    const email = emailOf(key, 'takes' in kind ? kind.takes : '');
    const body = orderBody({ paymentMethod: 'pm_ok', customerId, email, ...kind }) as PlaceOrder;
    const givesUp = chance() < 0.1;
    const call = {
      body,
      params: {},
      query: undefined,
      caller: { role: 'customer', subject: customerId } as const,
      trace: { traceId: '0'.repeat(32), traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` },
      idempotencyKey: key,
    };
    const place = () => ask((handlers) => handlers.place(call));
    // Who asks twice at once does not know which of the two was refused.
    let certain = chance() >= 0.1;
    if (!certain) void place().then((twin) => twin?.status === 202 && note(key, (twin.body as { id: string }).id));
    for (;;) {
      const answer = await place();
      if (answer?.status === 202) {
        note(key, (answer.body as { id: string }).id);
        if (chance() < 0.15) void cancel(call, (answer.body as { id: string }).id);
        return;
      }
      if (answer === undefined || answer.status !== 503) certain = false;
      if (answer?.status === 503 && certain && givesUp && !accepted.has(key)) {
        refused.add(key);
        tell(`${key} was refused and is given up`);
        return;
      }
      await clock.sleep(between(200, 3000));
    }
  }

  function note(key: string, orderId: string): void {
    const before = accepted.get(key);
    if (before !== undefined && before !== orderId) complaints.push(`${key} became ${before} and ${orderId}`);
    if (before === undefined) tell(`${key} is accepted as ${orderId}`);
    accepted.set(key, orderId);
  }

  async function cancel(call: Parameters<Handlers['place']>[0], orderId: string): Promise<void> {
    // A healthy order takes less than half a second.
    await clock.sleep(between(0, chance() < 0.5 ? 500 : 10_000));
    await ask((handlers) =>
      handlers.cancel({ ...call, params: { orderId }, body: {}, idempotencyKey: `${orderId}-off` }),
    );
  }

  for (let index = 0; index < count; index += 1) {
    clock.after(between(0, overMs), () => {
      void send(index).finally(() => {
        open -= 1;
      });
    });
  }
  return {
    accepted,
    refused,
    complaints,
    get answered() {
      return open === 0;
    },
  };
}

/** Each call like one to a database: it takes a while, and may fail with or without effect. */
function throughPorts(host: Host, requests: RequestStore): RequestStore {
  const failing = host.store<never>({
    load: async () => new Map(),
    commit: async () => ({ lost: new Set(), refused: new Map() }),
    remember: async () => {},
    recall: async () => new Map(),
    records: async () => new Map(),
    append: async () => {},
    due: async () => [],
  });
  const through = async <T>(run: () => Promise<T>): Promise<T> => {
    await failing.append([]);
    const result = await run();
    await failing.append([]);
    return result;
  };
  return {
    insert: (request) => through(() => requests.insert(request)),
    confirm: (id, confirmed) => through(() => requests.confirm(id, confirmed)),
    settle: (id, answer) => through(() => requests.settle(id, answer)),
    withdraw: (id) => through(() => requests.withdraw(id)),
    giveUp: (id, nextTryAt) => through(() => requests.giveUp(id, nextTryAt)),
    takeOver: (id, until) => through(() => requests.takeOver(id, until)),
    takeDue: (now, until) => through(() => requests.takeDue(now, until)),
    forget: (id) => through(() => requests.forget(id)),
    ofResource: (resourceId) => through(() => requests.ofResource(resourceId)),
    find: (id) => through(() => requests.find(id)),
  };
}

/** What the gateway reads of the services' documents for placing and cancelling. */
function viewsOf({ orders, sagas }: SimulatedTown): Readonly<Record<string, unknown>> {
  return {
    order: {
      async find(orderId: string) {
        const state = orders.documents.get(orderId)?.state;
        return state && shown(state);
      },
    },
    saga: {
      outcome: async (orderId: string, messageId: string) =>
        sagas.documents.get(orderId)?.handled.find(({ id }) => id === messageId)?.answer,
    },
  };
}
