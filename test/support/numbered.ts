/** Messages with numbers, sent evenly to a few wallets and payments past the gate, to be handled in the order in which they were sent. */
import { until } from './until.ts';
import { create } from '#services/payment/contract.ts';
import { topUp } from '#services/wallet/contract.ts';
import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { expired, hash } from '#shared/bus/topology/topology.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';

export interface Sent {
  readonly id: string;
  readonly service: NumberedService;
  /** Epoch ms. */
  readonly at: number;
}

const bodies = {
  wallet: (key: string, id: string) => ({ customerId: key, topUpId: id, amount: { amount: 1, currency: 'EUR' } }),
  payment: (key: string) => ({
    paymentId: key,
    orderId: key,
    customerId: key,
    amount: { amount: 1, currency: 'EUR' },
    method: 'pm_ok',
  }),
};
export type NumberedService = keyof typeof bodies;
const types: Readonly<Record<NumberedService, string>> = { wallet: topUp.name, payment: create.name };
const services: readonly NumberedService[] = ['wallet', 'payment'];

export interface Numbered {
  readonly bus: Bus;
  /** Of the wallets and of the payments. */
  readonly keys: readonly string[];
  readonly sent: readonly Sent[];
  /** What expired in its queue, and so may be handled late. */
  readonly expired: ReadonlySet<string>;
  /** By `<service> <key>`, in the order of sending, without what expired. */
  published(): ReadonlyMap<string, readonly string[]>;
  /** Resolves when the broker has confirmed all of them. */
  stop(): Promise<void>;
  /** Also in the middle of it, when the test failed. */
  close(): Promise<void>;
}

/** Starts sending, `perS` to wallets and as many to payments, as an administrator. The names of keys and messages begin with `name`. */
export async function sendNumbered(
  amqpUrl: string,
  name: string,
  { keys: count, perS }: { readonly keys: number; readonly perS: number },
): Promise<Numbered> {
  const bus = connectAmqp({ url: amqpUrl, name, clock, log: silentLog });
  const keys = Array.from({ length: count }, (_, index) => `${name}-${index}`);
  const sent: Sent[] = [];
  const published = new Map<string, string[]>();
  const gone = new Set<string>();
  const confirms: Promise<void>[] = [];
  let running = true;
  await until('connected', () => bus.connected, Boolean);
  for (const service of services)
    await bus.subscribe(expired(service), [''], ({ messageId }) => void gone.add(messageId ?? ''));

  function send(service: NumberedService, key: string): void {
    const of = `${service} ${key}`;
    const ids = published.get(of) ?? [];
    const id = `${of} ${ids.length}`;
    published.set(of, [...ids, id]);
    sent.push({ id, service, at: clock.now() });
    const message = { id, type: types[service], key, body: bodies[service](key, id), correlationId: id };
    confirms.push(bus.publish(hash(service), encode(message)));
  }

  async function stream(): Promise<void> {
    for (let n = 0; running; n += 1) {
      for (const service of services) send(service, keys[n % count]!);
      await clock.sleep(1000 / perS);
    }
  }

  const streaming = stream();
  const stop = async (): Promise<void> => {
    running = false;
    await streaming;
    await Promise.all(confirms);
  };
  return {
    bus,
    keys,
    sent,
    expired: gone,
    published: () => new Map([...published].map(([of, ids]) => [of, ids.filter((id) => !gone.has(id))])),
    stop,
    async close() {
      await stop();
      await bus.close();
    },
  };
}
