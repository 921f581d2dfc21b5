/** Baskets over the broker without HTTP: whoever asks and the owners in this process, or the owners of products in another. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { closedLoop, oneByOne } from './load.ts';
import { fiveItems, nextUser, slowSkus, SUPERMARKET } from './shop.ts';
import { answerBaskets, answerPrices, answerSlowly, fill } from './town.ts';
import type { Sample, Values } from '#bench/arm.ts';
import { taskOf, tell } from '#bench/child.ts';
import { asking, type Stop } from '#bench/questions/ends.ts';
import { cpuSeconds } from '#bench/cpu.ts';
import { projectDir } from '#local/stack/own-process.ts';
import { price } from '#services/basket/contract.ts';
import { counted } from '#services/basket/counting.ts';

export interface BasketsTask {
  readonly amqpUrl: string;
  readonly mongoUrl: string;
  /** Who answers for products. */
  readonly prices: 'here' | 'elsewhere';
  readonly inFlight: readonly number[];
  /** How many lines wait, case by case, and for how long. */
  readonly slow: readonly number[];
  readonly slowMs: number;
  readonly seconds: number;
  readonly pids: Readonly<Record<string, number | undefined>>;
}

const WAIT_MS = 20_000;

const { amqpUrl, mongoUrl, prices, inFlight, slow, slowMs, seconds, pids } = taskOf<BasketsTask>();
await fill(mongoUrl);
const others: Record<string, number | undefined> = { ...pids };
const stopBaskets = await answerBaskets(amqpUrl);
const stopPrices = prices === 'here' ? await answerPrices(amqpUrl, mongoUrl) : await elsewhere();
const { asker, close } = await asking(amqpUrl, 'gateway');

const basketOf = (items: readonly string[]): Promise<unknown> => {
  const { lines } = counted(items);
  return asker.ask(price, { supermarketId: SUPERMARKET, userId: nextUser(), lines }, { waitMs: WAIT_MS });
};
const samples: Sample[] = [];
for (const many of inFlight) {
  const values = await closedLoop(() => basketOf(fiveItems()), { inFlight: many, seconds }, used);
  samples.push({ of: `${many} in flight`, values });
}
await stopPrices();
if (slow.length > 0) {
  const stop = await answerSlowly(amqpUrl, slowMs);
  for (const many of slow) {
    const values = await oneByOne(() => basketOf(slowSkus(many)));
    samples.push({ of: `${many} lines that wait`, values });
  }
  await stop();
}
await close();
await stopBaskets();
tell({ samples });

function used(): Values {
  const { user, system } = process.cpuUsage();
  return {
    services: (user + system) / 1e6,
    ...Object.fromEntries(
      Object.entries(others).flatMap(([name, pid]) => (pid === undefined ? [] : [[name, cpuSeconds(pid)]])),
    ),
  };
}

async function elsewhere(): Promise<Stop> {
  const execArgv = ['--disable-warning=ExperimentalWarning'];
  const child = fork(join(projectDir, 'bench/baskets/owner-process.ts'), [amqpUrl, mongoUrl], { execArgv });
  const ended = once(child, 'exit');
  await Promise.race([once(child, 'message'), ended]);
  others['pricing'] = child.pid;
  return async () => {
    child.kill('SIGKILL');
    await ended;
  };
}
