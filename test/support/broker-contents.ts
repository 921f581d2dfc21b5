/** What a stack's broker holds, read over its management API without changing it. */
import type { TestStack } from './stack.ts';
import { until } from './until.ts';
import { patientManagement } from './management.ts';

export interface Connection {
  readonly name: string;
  readonly user: string;
}

export function brokerContents({ managementUrl, vhost }: Pick<TestStack, 'managementUrl' | 'vhost'>) {
  const api = patientManagement(managementUrl);
  const { origin, username, password } = new URL(managementUrl);
  const authorization = `Basic ${btoa(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`)}`;
  return {
    /** Every binding but the default exchange's and those of private queues, which come and go with their connections. */
    async bindings(): Promise<readonly string[]> {
      type Binding = Readonly<Record<'source' | 'destination' | 'routing_key', string>>;
      const all = (await api.get<readonly Binding[]>(`/bindings/${vhost}`)) ?? [];
      return all
        .filter(({ source, destination }) => source !== '' && !destination.startsWith('amq.gen-'))
        .map(({ source, destination, routing_key: key }) => `${source} -> ${destination} ${key}`)
        .toSorted();
    },
    connections: async (): Promise<readonly Connection[]> =>
      (await api.get<readonly Connection[]>(`/vhosts/${vhost}/connections?columns=name,user`)) ?? [],
    /** The client notices at once, and connects again. The broker answers 500 for one that ends at that moment by itself. */
    async cut({ name }: Connection): Promise<void> {
      const path = `/connections/${encodeURIComponent(name)}`;
      await until(`${name} is cut`, () => api.remove(path).then(() => true), Boolean);
    },
    /** The ids of the messages that wait in a queue, up to 100, each of which goes back to where it was. */
    async idsIn(queue: string): Promise<readonly string[]> {
      const response = await fetch(`${origin}/api/queues/${vhost}/${queue}/get`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ count: 100, ackmode: 'ack_requeue_true', encoding: 'auto' }),
      });
      if (!response.ok) throw new Error(`${queue}: ${response.status} ${await response.text()}`);
      const list = (await response.json()) as readonly { readonly properties: { readonly message_id: string } }[];
      return list.map(({ properties }) => properties.message_id).toSorted();
    },
  };
}
