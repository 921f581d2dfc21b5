import { fillOrders } from './fill.ts';
import type { Arm, Turn } from '#bench/arm.ts';
import { runLoop } from '#bench/loop/arms.ts';

const SIZES = [
  { name: 'growth-10k', orders: 10_000 },
  { name: 'growth-100k', orders: 100_000 },
  { name: 'growth-1m', orders: 1_000_000, onlyNamed: true },
] as const;

const filled = new Set<string>();
const TOLD_EVERY = 50_000;

/** The closed loop on an embedded database that already holds so many orders; it is filled once a run. */
export const growthArms: readonly Arm[] = SIZES.map((size): Arm => ({
  name: size.name,
  title: `${size.orders.toLocaleString('en')} stored orders, embedded database`,
  group: 'growth',
  onlyNamed: 'onlyNamed' in size,
  async run(turn) {
    const run = { name: size.name, processes: 'one', store: 'embedded' } as const;
    const database = () => turn.world.database(size.name);
    if (!filled.has(size.name)) {
      await fill(turn, size);
      filled.add(size.name);
    }
    return runLoop(turn, { ...run, database, task: { inFlight: [Math.max(...turn.settings.inFlight)] } });
  },
}));

async function fill(turn: Turn, { name, orders }: { readonly name: string; readonly orders: number }): Promise<void> {
  const { world } = turn;
  const database = () => world.database(name);
  const few = { inFlight: [1], seconds: 0.2, warmUpSeconds: 0 };
  await runLoop(turn, { name: `${name}-fill`, processes: 'one', store: 'embedded', database, task: few });
  const { url, stop } = await database();
  try {
    await fillOrders(`${url}/bench`, orders, (stored) => {
      if (stored % TOLD_EVERY === 0) world.say(`  ${stored.toLocaleString('en')} orders are stored`);
    });
  } finally {
    await stop();
  }
}
