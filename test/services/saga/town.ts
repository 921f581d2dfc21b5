import { recordsIn } from '#test/support/records.ts';
import { details } from './cases.ts';
import { timing } from './drive.ts';
import { createDeliveries } from '#local/stand-ins/warehouse/deliveries.ts';
import { deliveryIdOf } from '#services/delivery/contract.ts';
import { deliveryEntity, type DeliveryState } from '#services/delivery/delivery.ts';
import { notificationEntity, type Mail, type NotificationState } from '#services/notify/notification.ts';
import { place } from '#services/order/contract.ts';
import { orderEntity, type OrderState } from '#services/order/order.ts';
import { paymentIdOf } from '#services/payment/contract.ts';
import { paymentEntity, type PaymentState } from '#services/payment/payment.ts';
import { routeTable } from '#services/services.ts';
import { definitions } from '#services/saga/place-order-versions.ts';
import { sagaEntity, type OrderSaga } from '#services/saga/saga.ts';
import { timelineOf } from '#shared/saga/timeline.ts';
import { topUp } from '#services/wallet/contract.ts';
import type { Entry } from '#services/wallet/ledger.ts';
import { walletEntity, type WalletState } from '#services/wallet/wallet.ts';
import { warehouseOf } from '#test/support/warehouse.ts';
import { runOf, tooLateTo } from '#shared/entity/entity.ts';
import type { Entity } from '#shared/entity/entity.ts';
import { silentLog } from '#shared/log.ts';
import { TOO_LATE, WAKE, type CommandType, type Message, type Send } from '#shared/message.ts';

/** What happens to a command on its way: to its owner (`lost`), or to the answer on its way back (`unanswered`). */
export type Mishap = 'none' | 'lost' | 'unanswered';

/**
 * Every entity of the road, in one queue without a broker or a database: first in, first out, handled ids and deadlines
 * as the engine keeps them. When nothing is left to deliver, time jumps to what is due.
 */
export function createTown(options: { readonly mishap?: (message: Message) => Mishap } = {}) {
  const mishap = options.mishap ?? (() => 'none');
  let now = 1_700_000_000_000;
  const mails: Mail[] = [];
  const journal = new Map<string, Entry>();
  const captured = new Set<string>();
  const deliveries = createDeliveries();
  const entities = {
    order: orderEntity,
    saga: sagaEntity(definitions, { ...timing, log: silentLog }),
    wallet: walletEntity({ findRecords: recordsIn(journal) }),
    delivery: deliveryEntity({ warehouse: warehouseOf(deliveries) }),
    notify: notificationEntity({
      mailer: { send: async (mail) => (mails.push(mail), { accepted: true, at: now }) },
    }),
    payment: paymentEntity({
      provider: {
        authorize: async () => ({ approved: true }),
        capture: async ({ paymentId }) => (captured.add(paymentId), { approved: true }),
        void: async () => {},
        refund: async ({ paymentId }) => ({ refunded: captured.delete(paymentId) }),
      },
    }),
  } as unknown as Readonly<Record<string, Entity<unknown>>>;
  const documents = new Map<string, unknown>();
  const handled = new Map<string, readonly Send[]>();
  const queue: { readonly route: string; readonly message: Message }[] = [];

  const routesOf = (exchange: string): readonly string[] => {
    const name = exchange.replace(/\.(in|hash)$/, '');
    return routeTable.audiences?.[name] ?? [name];
  };

  async function deliver(route: string, message: Message): Promise<void> {
    const fate = route === 'saga' ? 'none' : mishap(message);
    if (fate === 'lost') return;
    const key = `${route}/${message.key}`;
    const again = handled.get(`${key}/${message.id}`);
    const sends = again ?? (await handle(route, key, message));
    if (fate === 'none') for (const one of sends) post(one);
  }

  async function handle(route: string, key: string, message: Message): Promise<readonly Send[]> {
    if (message.deadline !== undefined && now > message.deadline) {
      return [tooLateTo(message)!];
    }
    const entity = entities[route]!;
    const signal = new AbortController().signal;
    const { context } = runOf({ route, message, now, attempt: 1, unwritten: [], signal: () => signal });
    const handler = entity.handlers.find(({ type }) => type.name === message.type);
    const state = documents.get(key);
    const result = await (message.type === WAKE
      ? entity.wake!(state, undefined, context)
      : message.type === TOO_LATE
        ? entity.tooLate!(state, message.body as { command: string }, context)
        : handler!.handle(state, handler!.type.body.parse(message.body), context));
    documents.set(key, structuredClone(result.state));
    for (const record of result.journal ?? []) journal.set(record.id, record as Entry);
    const sends = (result.send ?? []).filter((send): send is Send => send !== undefined);
    if (message.type !== WAKE) handled.set(`${key}/${message.id}`, sends);
    return sends;
  }

  function post({ exchange, message }: Send): void {
    for (const route of routesOf(exchange)) queue.push({ route, message });
  }

  async function drain(): Promise<void> {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await deliver(next.route, next.message);
  }

  const saga = (): OrderSaga | undefined => documents.get(`saga/${details.orderId}`) as OrderSaga | undefined;

  return {
    mails,
    journal,
    get order() {
      return documents.get(`order/${details.orderId}`) as OrderState;
    },
    get payment() {
      return documents.get(`payment/${paymentIdOf(details.orderId)}`) as PaymentState | undefined;
    },
    get wallet() {
      return documents.get(`wallet/${details.customerId}`) as WalletState;
    },
    get delivery() {
      return documents.get(`delivery/${details.orderId}`) as DeliveryState | undefined;
    },
    /** What the warehouse thinks. */
    get delivered() {
      return deliveries.find(deliveryIdOf(details.orderId))?.status;
    },
    get notification() {
      return documents.get(`notify/${details.orderId}`) as NotificationState | undefined;
    },
    get timeline() {
      const state = saga();
      if (state === undefined || state.phase === 'unknown') throw new Error('no saga has begun');
      return timelineOf(details.orderId, state, definitions[0]);
    },
    async send<Body>(type: CommandType<Body>, body: Body, id: string): Promise<void> {
      const replyTo = { route: 'saga', key: details.orderId };
      const answered = type.name === place.name ? { replyTo } : {};
      await deliver(type.route, {
        id,
        type: type.name,
        key: type.key(body),
        body,
        correlationId: details.orderId,
        ...answered,
      });
    },
    /** A wallet with this much, an order that costs `details.total`, and all that follows. */
    async run(available = 10_000, meanwhile: () => Promise<void> = async () => {}): Promise<void> {
      const amount = { amount: available, currency: details.total.currency };
      await this.send(topUp, { customerId: details.customerId, topUpId: 'top-up-1', amount }, 'top-up-1');
      await this.send(place, details, `${details.orderId}:place`);
      await drain();
      await meanwhile();
      await drain();
      for (let wakes = 0; ; wakes += 1) {
        const state = saga();
        const dueAt = state === undefined ? undefined : entities['saga']!.dueAt!(state);
        if (dueAt === undefined) return;
        if (wakes > 200) throw new Error(`still ${state?.phase} after 200 wakes`);
        now = Math.max(now, dueAt);
        await deliver('saga', {
          id: `${WAKE}:${now}`,
          type: WAKE,
          key: details.orderId,
          body: {},
          correlationId: details.orderId,
        });
        await drain();
      }
    },
  };
}
