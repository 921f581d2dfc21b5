/** The saga by hand on rabbitmq-client, as `hand-written.ts` does it. */
import { contest } from './contestant.ts';
import { peer } from './package.ts';

interface Message {
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, unknown>>;
}

interface Client {
  createPublisher(options: object): { send(envelope: object, body: unknown): Promise<void>; close(): Promise<void> };
  createConsumer(
    options: object,
    onMessage: (message: Message) => Promise<void>,
  ): { on(event: 'ready' | 'error', listener: (error?: unknown) => void): void; close(): Promise<void> };
  close(): Promise<void>;
}

const { Connection } = peer<{ readonly Connection: new (options: object) => Client }>('rabbitmq-client');
const PREFETCH = 1000;
const EXCHANGE = 'client';

await contest(async ({ shape, url }, completed) => {
  const { messages } = shape;
  const routes = [...new Set(messages.flatMap((one) => one.routes))];
  const states = new Map<string, { readonly at: number }>();
  const [publishing, consuming] = [new Connection({ url, noDelay: true }), new Connection({ url, noDelay: true })];
  const queueOptions = { durable: true, arguments: { 'x-queue-type': 'quorum' } };
  const publisher = publishing.createPublisher({
    confirm: true,
    exchanges: [{ exchange: EXCHANGE, type: 'topic', durable: true }],
    queues: routes.map((route) => ({ queue: `client.${route}`, ...queueOptions })),
    queueBindings: messages.flatMap(({ type, routes: to }) =>
      to.map((route) => ({ exchange: EXCHANGE, routingKey: type, queue: `client.${route}` })),
    ),
  });

  const send = (orderId: string, step: number): Promise<void> => {
    const { type, content } = messages[step]!;
    const headers = { key: orderId, step };
    const envelope = {
      exchange: EXCHANGE,
      routingKey: type,
      durable: true,
      type,
      messageId: `${orderId}:${step}`,
      headers,
    };
    return publisher.send(envelope, Buffer.from(content));
  };

  async function onMessage(route: string, { headers, body }: Message): Promise<void> {
    JSON.parse(String(body));
    const [orderId, step] = [String(headers?.['key']), Number(headers?.['step'])];
    states.set(orderId, { at: step });
    if (route !== messages[step]!.routes.at(-1)) return; // somebody else goes on
    if (step + 1 < messages.length) return send(orderId, step + 1);
    states.delete(orderId);
    completed(orderId);
  }

  const consumers = await Promise.all(
    routes.map((route) => {
      const { promise, resolve, reject } = Promise.withResolvers<{ close(): Promise<void> }>();
      const options = { queue: `client.${route}`, queueOptions, qos: { prefetchCount: PREFETCH } };
      const consumer = consuming.createConsumer(options, (message) => onMessage(route, message));
      consumer.on('ready', () => resolve(consumer));
      consumer.on('error', reject);
      return promise;
    }),
  );
  return {
    place: (orderId) => send(orderId, 0),
    async close() {
      await Promise.all(consumers.map((consumer) => consumer.close()));
      await publisher.close();
      await Promise.all([publishing.close(), consuming.close()]);
    },
  };
});
