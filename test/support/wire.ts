/** Direct access to a stack's broker, as an administrator: what a faulty or foreign program could do there. */
import type { TestStack } from './stack.ts';
import { until } from './until.ts';
import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import type { Packet } from '#shared/bus/bus.ts';
import { encode } from '#shared/bus/envelope.ts';
import { hash } from '#shared/bus/topology/topology.ts';
import { systemClock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import { ownerOf, type CommandType, type Message } from '#shared/message.ts';

export interface Wire extends AsyncDisposable {
  /** Publishes a message to its owner's queues, past the gate. */
  send(message: Message, route?: string): Promise<void>;
  /** Publishes any bytes to a route's queues. */
  raw(route: string, packet: Partial<Packet>): Promise<void>;
  /** Takes everything out of a queue. */
  take(queue: string): Promise<readonly Packet[]>;
  /** Resolves when as many as `count` packets have been taken out of a queue. */
  takeAtLeast(queue: string, count: number): Promise<readonly Packet[]>;
  close(): Promise<void>;
}

/** A command as its asker would send it; `id` decides whether it is a copy of one that was sent before. */
export function commandMessage<Body>(
  type: CommandType<Body>,
  body: Body,
  options: Pick<Message, 'id' | 'correlationId'> & Partial<Message>,
): Message {
  return { type: type.name, key: type.key(body), body, ...options };
}

export function connectWire(stack: Pick<TestStack, 'amqpUrl'>): Wire {
  const bus = connectAmqp({ url: stack.amqpUrl, name: 'test', clock: systemClock, log: silentLog });
  const session = bus.session();
  session.catch(() => {}); // told to whoever takes from it

  /** Waits for the connection, which is made in the background. */
  async function publish(exchange: string, packet: Packet): Promise<void> {
    await until('the test is connected to the broker', () => bus.connected, Boolean);
    await bus.publish(exchange, packet);
  }

  async function take(queue: string): Promise<readonly Packet[]> {
    const from = await session;
    const packets: Packet[] = [];
    for (let next = await from.get(queue); next !== undefined; next = await from.get(queue)) {
      packets.push(next.packet);
      from.ack(next);
    }
    return packets;
  }

  async function close(): Promise<void> {
    await (await session.catch(() => undefined))?.close();
    await bus.close();
  }

  return {
    send: (message, route = ownerOf(message.type)) => publish(hash(route), encode(message)),
    raw: (route, packet) => publish(hash(route), { content: Buffer.from(''), headers: {}, ...packet }),
    take,
    async takeAtLeast(queue, count) {
      const taken: Packet[] = [];
      return until(
        `${count} messages in ${queue}`,
        async () => {
          taken.push(...(await take(queue)));
          return taken;
        },
        ({ length }) => length >= count,
        { show: () => taken.map(({ headers }) => JSON.stringify(headers)).join('\n') },
      );
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
