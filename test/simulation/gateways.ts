/** Gateways without sockets: their intake, through ports that may fail. */
import type { Host } from './host.ts';
import type { SimulatedTown } from './town.ts';
import { createBoard, watchSnapshots } from '#services/circuit-breaker/board.ts';
import { whyParked } from '#services/circuit-breaker/contract.ts';
import { defaultSettings } from '#services/gateway/gateway.ts';
import { createIntake } from '#services/gateway/intake.ts';
import { createMemoryRequests } from '#services/gateway/memory-requests.ts';
import type { RequestStore } from '#services/gateway/requests.ts';
import { startRequestSweep } from '#services/gateway/sweep.ts';
import { shown } from '#services/order/view.ts';
import { services } from '#services/services.ts';
import { createAsker } from '#shared/question/asker.ts';
import { silentLog } from '#shared/log.ts';
import { mounted } from '#shared/web/api.ts';
import type { Endpoint } from '#shared/web/endpoint.ts';
import { answerLookup } from '#shared/web/lookup.ts';
import { goods } from '#test/support/goods.ts';
import { offered } from '#test/support/offered.ts';

export interface Handlers {
  readonly place: Endpoint['handle'];
  readonly cancel: Endpoint['handle'];
}

/** A gateway process; without handlers while it is down. */
export interface OpenGateway {
  readonly handlers: Handlers | undefined;
}

/** One, two or three gateways over the same requests. */
export function openGateways(town: SimulatedTown): readonly OpenGateway[] {
  const { between, clock } = town.scheduler;
  const requests = createMemoryRequests(clock.now);
  const gateways: { handlers: Handlers | undefined }[] = [];
  for (let copy = 1; copy <= between(1, 3); copy += 1) {
    const gateway: (typeof gateways)[number] = { handlers: undefined };
    gateways.push(gateway);
    town.add(`gateway-${copy}`, async (host) => {
      const board = createBoard(host.clock);
      const snapshots = watchSnapshots(board, { bus: host.bus, log: silentLog });
      const own = throughPorts(host, requests);
      const asker = createAsker({ bus: host.bus, clock: host.clock, log: silentLog });
      const intake = createIntake({
        ...defaultSettings,
        ask: asker.ask,
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
      const sweep = startRequestSweep({
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
  return gateways;
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
