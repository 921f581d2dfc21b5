import { closedLoop, oneByOne } from './load.ts';
import { type Client, createClient, postOf } from './client.ts';
import type { BasketsTask } from './process.ts';
import { fiveItems, MANY_SLOW, manyItems, nextUser, SLOW_QUANTITY, slowSkus, sold, SUPERMARKET } from './shop.ts';
import type { Arm, Sample, Turn, Values } from '#bench/arm.ts';
import { inChild } from '#bench/child.ts';
import { cpuSecondsByPart } from '#bench/cpu.ts';
import { startStack, type StartedStack } from '#bench/light/stack.ts';
import { createApi } from '#local/commands/api.ts';

const IN_FLIGHT = [1, 64, 256] as const;
const SLOW = [1, 4, MANY_SLOW] as const;
/** What a slow line waits, ms. */
export const SLOW_MS = 50;
const AT_ONCE = 10;

/** Baskets over the broker, without HTTP: `prices` says where the owners of products are. */
export async function withoutHttp(
  { world, round, settings }: Turn,
  name: string,
  prices: BasketsTask['prices'],
  flags: readonly string[] = [],
): Promise<readonly Sample[]> {
  const broker = await world.broker();
  const amqpUrl = await world.vhost(`${name}-${round}`);
  const database = await world.database(`${name}-${round}`);
  const task: BasketsTask = {
    amqpUrl,
    mongoUrl: `${database.url}/bench`,
    prices,
    inFlight: IN_FLIGHT,
    slow: flags.length === 0 ? SLOW : [],
    slowMs: SLOW_MS,
    seconds: settings.seconds,
    pids: { broker: broker.process?.pid(), database: database.process?.pid() },
  };
  try {
    return await inChild(world, 'bench/baskets/process.ts', task, { flags });
  } finally {
    await database.stop();
  }
}

/** What `npm start` starts: baskets of five over HTTP, large ones, and such with slow scripts. */
async function overHttp(
  { world, round, settings }: Turn,
  name: string,
  args: readonly string[],
): Promise<readonly Sample[]> {
  await using stack = await startStack(world, `${name}-${round}`, args);
  await fill(stack);
  const { api, operatorToken } = stack.addresses;
  const url = new URL('/v1/baskets/price', api);
  const client = createClient(url);
  try {
    await client.open(Math.max(...IN_FLIGHT));
    return await measured(
      client,
      (items) => postOf(url, operatorToken, { supermarketId: SUPERMARKET, userId: nextUser(), items }),
      stack,
      settings.seconds,
    );
  } finally {
    client.close();
  }
}

async function measured(
  client: Client,
  requestOf: (items: readonly unknown[]) => Buffer,
  { pid }: StartedStack,
  seconds: number,
): Promise<readonly Sample[]> {
  const used = (): Values => {
    const { user, system } = process.cpuUsage();
    const { broker = 0, database = 0, ...services } = cpuSecondsByPart(pid);
    const all = Object.values(services).reduce((sum, one) => sum + one, 0);
    return { services: all, broker, database, load: (user + system) / 1e6 };
  };
  const samples: Sample[] = [];
  for (const inFlight of IN_FLIGHT) {
    const values = await closedLoop(() => client.send(requestOf(fiveItems())), { inFlight, seconds }, used);
    samples.push({ of: `${inFlight} in flight`, values });
  }
  const large = requestOf(manyItems());
  samples.push({ of: '10,000 items', values: await oneByOne(() => client.send(large)) });
  const ten = () => Promise.all(Array.from({ length: AT_ONCE }, () => client.send(large)));
  samples.push({ of: `${AT_ONCE} of 10,000 items at once`, values: await oneByOne(ten) });
  for (const many of SLOW) {
    const slow = requestOf(slowSkus(many).map((sku) => ({ sku, quantity: SLOW_QUANTITY })));
    samples.push({ of: `${many} scripts that compute`, values: await oneByOne(() => client.send(slow)) });
  }
  return samples;
}

async function fill({ addresses: { api: url, operatorToken } }: StartedStack): Promise<void> {
  const api = createApi(url, operatorToken);
  const put = async (path: string, body: unknown): Promise<void> => {
    const { status, body: answer } = await api.put(path, body);
    if (status > 201) throw new Error(`${path}: ${status} ${JSON.stringify(answer)}`);
  };
  for (const { sku, price, source } of sold) {
    await put(`/v1/supermarkets/${SUPERMARKET}/prices/${sku}`, { amount: price, currency: 'EUR' });
    if (source === undefined) continue;
    await put(`/v1/pricing/strategies/${sku}?supermarket=${SUPERMARKET}`, { source });
  }
}

const group = 'baskets';

export const basketArms: readonly Arm[] = [
  {
    name: 'baskets-one',
    title: 'baskets without HTTP, one process',
    group,
    run: (turn) => withoutHttp(turn, 'baskets-one', 'here'),
  },
  {
    name: 'baskets-two',
    title: 'baskets without HTTP, the owners of products in another process',
    group,
    run: (turn) => withoutHttp(turn, 'baskets-two', 'elsewhere'),
  },
  {
    name: 'baskets-http',
    title: 'baskets over HTTP, `npm start`',
    group,
    run: (turn) => overHttp(turn, 'baskets-http', ['--processes=1']),
  },
  {
    name: 'baskets-http-each',
    title: 'baskets over HTTP, a process a service',
    group,
    secondary: true,
    run: (turn) => overHttp(turn, 'baskets-http-each', ['--processes=each']),
  },
];
