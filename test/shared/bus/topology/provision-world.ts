import { type Channel, connect } from 'amqplib';
import type { ExecutionContext } from 'ava';
import { type Log, silentLog } from '#shared/log.ts';
import { smallTable, smallTiming } from './small-table.ts';
import { amqpUrl } from '#test/support/broker-world.ts';
import { type Provisioned, provisionedVhost } from '#test/support/provisioned.ts';

export const table = smallTable;

export const timing = smallTiming;

export async function fresh(t: ExecutionContext, given = table, times = timing): Promise<Provisioned> {
  const vhost = provisionedVhost(given, times);
  t.teardown(() => vhost.remove());
  await vhost.provision();
  return vhost;
}

/** Everything that the broker knows of the vhost, and its users, in a stable order. */
export async function everything({ api, vhost }: Provisioned): Promise<string> {
  const definitions = (await api.get<Record<string, unknown>>(`/definitions/${vhost}`)) ?? {};
  const users = ((await api.get<readonly { readonly name: string }[]>('/users')) ?? []).filter(({ name }) =>
    name.startsWith(vhost),
  );
  const lists = ['queues', 'exchanges', 'bindings', 'policies', 'permissions', 'topic_permissions'].map((name) =>
    ((definitions[name] as readonly unknown[] | undefined) ?? []).map((item) => JSON.stringify(item)).toSorted(),
  );
  return JSON.stringify([lists, users.map((user) => JSON.stringify(user)).toSorted()]);
}

/** Runs with the administrator's rights in the vhost. */
export async function asAdministrator<Result>(
  { vhost }: Provisioned,
  run: (channel: Channel) => Promise<Result>,
): Promise<Result> {
  const url = new URL(amqpUrl ?? '');
  url.pathname = `/${vhost}`;
  const model = await connect(url.toString());
  try {
    return await run(await model.createChannel());
  } finally {
    await model.close();
  }
}

/** A log, and what was said to it as a warning or an error. */
export function listening(): { readonly log: Log; readonly said: string[] } {
  const said: string[] = [];
  const say = (text: string, fields: object = {}): void => void said.push(`${text} ${JSON.stringify(fields)}`);
  return { said, log: { ...silentLog, warn: say, error: say } };
}
