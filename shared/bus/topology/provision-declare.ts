import type { Channel, ChannelModel } from 'amqplib';
import { refusalOf } from '#shared/bus/amqp/channel-error.ts';
import type { BindingSpec, ExchangeSpec, QueueSpec, Topology } from '#shared/bus/bus.ts';
import { ProvisionError } from './management.ts';
import { stateQueue } from './topology.ts';

/** One channel answers one request at a time; a quorum queue takes the broker some 20 ms. */
const CHANNELS = 8;

/** Exchanges, queues, bindings; then, for each gate in `fresh`, its bindings and, last, its state queue. Safe to repeat after any interruption. */
export async function declareTopology(
  model: ChannelModel,
  topology: Topology,
  fresh: ReadonlySet<string>,
): Promise<void> {
  const channels = await Promise.all(Array.from({ length: CHANNELS }, () => openChannel(model)));
  await spread(channels, topology.exchanges, declareExchange);
  await spread(channels, topology.queues, declareQueue);
  // Bindings of one source keep their order: the ring of a consistent-hash exchange is built in it.
  await spread(
    channels,
    [...Map.groupBy(topology.bindings, ({ source }) => source).values()],
    async (channel, bindings) => {
      for (const binding of bindings) await bind(channel, binding);
    },
  );
  const gates = topology.gates.filter(({ state }) => fresh.has(state));
  await spread(channels, gates, async (channel, { bindings, state }) => {
    const { queue, binding } = stateQueue(state);
    for (const one of bindings) await bind(channel, one);
    await declareQueue(channel, queue);
    await bind(channel, binding);
  });
  // A state queue whose binding was not made yet when provisioning was interrupted.
  const others = topology.gates.filter(({ state }) => !fresh.has(state));
  await spread(channels, others, (channel, { state }) => bind(channel, stateQueue(state).binding));
  await Promise.all(channels.map((channel) => channel.close()));
}

async function openChannel(model: ChannelModel): Promise<Channel> {
  const channel = await model.createChannel();
  channel.on('error', () => {});
  return channel;
}

async function spread<Item>(
  channels: readonly Channel[],
  items: readonly Item[],
  run: (channel: Channel, item: Item) => Promise<void>,
): Promise<void> {
  const left = items.values();
  await Promise.all(
    channels.map(async (channel) => {
      for (const item of left) await run(channel, item);
    }),
  );
}

async function declareExchange(channel: Channel, { name, type, arguments: args }: ExchangeSpec): Promise<void> {
  await channel.assertExchange(name, type, { durable: true, arguments: args }).catch(explain(`exchange ${name}`));
}

async function declareQueue(channel: Channel, { name, type, arguments: args }: QueueSpec): Promise<void> {
  await channel
    .assertQueue(name, { durable: true, arguments: { 'x-queue-type': type, ...args } })
    .catch(explain(`queue ${name}`));
}

async function bind(channel: Channel, { source, destination, to, routingKey }: BindingSpec): Promise<void> {
  const bound =
    to === 'queue'
      ? channel.bindQueue(destination, source, routingKey)
      : channel.bindExchange(destination, source, routingKey);
  await bound.catch(explain(`binding ${source} to ${destination}`));
}

function explain(what: string): (error: unknown) => never {
  return (error) => {
    const refusal = refusalOf(error);
    const remedy =
      refusal.code === 'mismatch'
        ? 'it was made with other arguments, and a queue or exchange cannot be changed: drain and delete it, or use another vhost'
        : "see the broker's log";
    throw new ProvisionError(`cannot declare ${what}: ${remedy} (${refusal.message})`, {
      cause: error,
      // The broker broke off: with too much to do it may not start a queue in time.
      transient: refusal.code === 'failed',
    });
  };
}
