/** Everything that is published on a stack's broker from now on, to whichever exchange: RabbitMQ's firehose. */
import type { Packet } from '#shared/bus/bus.ts';
import { connectAmqp } from '#shared/bus/amqp/amqp-bus.ts';
import { systemClock as clock } from '#shared/clock.ts';
import { silentLog } from '#shared/log.ts';
import { patientManagement } from '#test/support/management.ts';
import type { TestStack } from '#test/support/stack.ts';

/** The exchange of the firehose; `publish.<exchange>` is its key. */
const FIREHOSE = 'amq.rabbitmq.trace';

export interface Tapped {
  readonly exchange: string;
  /** As it was published. */
  readonly text: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

export async function tapOf({ amqpUrl, managementUrl, vhost }: TestStack) {
  const bus = connectAmqp({ url: amqpUrl, name: 'tap', clock, log: silentLog });
  const tapped: Tapped[] = [];
  const listening = await bus.subscribe(FIREHOSE, ['publish.#'], ({ content, headers }: Packet, key) => {
    const properties = (headers['properties'] ?? {}) as unknown as Tapped['properties'];
    tapped.push({ exchange: key.slice('publish.'.length), text: content.toString(), properties });
  });
  const management = patientManagement(managementUrl);
  await management.put(`/vhosts/${vhost}`, { tracing: true });
  return {
    tapped,
    /** Publishes as an administrator. */
    publish: bus.publish,
    async [Symbol.asyncDispose]() {
      await management.put(`/vhosts/${vhost}`, { tracing: false });
      await listening.close();
      await bus.close();
    },
  };
}
