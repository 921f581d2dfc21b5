/** Customers who place a seeded mixture of orders through gateways without sockets, and try again until they are told. */
import { BAD_NEWS_ONLY } from './abroad.ts';
import { type Handlers, openGateways } from './gateways.ts';
import type { SimulatedTown } from './town.ts';
import { CUSTOMERS } from './wallet-traffic.ts';
import type { PlaceOrder } from '#services/order/placing.ts';
import { Problem } from '#shared/web/problems.ts';
import { SCARCE } from '#test/support/goods.ts';
import { orderBody } from '#test/support/place.ts';

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
  { sku: SCARCE.sku },
  { takes: BAD_NEWS_ONLY },
] as const;

export interface Customers {
  /** By customer's key: the order that was accepted under it. */
  readonly accepted: ReadonlyMap<string, string>;
  /** Keys that were refused for good and given up: nothing of theirs may exist. */
  readonly refused: ReadonlySet<string>;
  readonly complaints: readonly string[];
  /** Everybody knows what became of their request. */
  readonly answered: boolean;
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
  const gateways = openGateways(town);
  const accepted = new Map<string, string>();
  const refused = new Set<string>();
  const complaints: string[] = [];
  let open = count;

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
