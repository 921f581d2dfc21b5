import { readFileSync } from 'node:fs';
import type { Api } from '#local/commands/api.ts';
import { settled } from '#local/commands/simulator/asking.ts';
import { fund } from '#local/commands/simulator/fund.ts';
import { stockShelves } from '#local/commands/simulator/shelves.ts';
import { demoCatalogue } from './demo-catalogue.ts';
import { demoGroceries, demoSupermarkets, type Ware } from './demo-supermarkets.ts';
import { Trouble } from './trouble.ts';
import { systemClock } from '#shared/clock.ts';

const DEMO_CUSTOMERS = ['alice', 'bob', 'carol', 'dave'] as const;
const AMOUNT = 1_000_000;
/** Below this a demo could run out of money. */
const ENOUGH = 100_000;

interface Wallet {
  readonly available: { readonly amount: number; readonly currency: string };
}

/** Gives every demo customer a wallet of 10,000.00 EUR, and fills it up when it runs low; a second start changes nothing. */
export async function seedCustomers(api: Api): Promise<void> {
  await Promise.all(DEMO_CUSTOMERS.map((customer) => seedCustomer(api, customer)));
}

/** Puts the demo catalogue on the shelves; what is there keeps its price, and is filled up when little is left. */
export async function seedShelves(api: Api): Promise<void> {
  await stockShelves({ api, clock: systemClock, run: 'seed' }, demoCatalogue);
}

/** Opens the demo supermarkets. What has a price or a strategy there keeps it. */
export async function seedSupermarkets(api: Api): Promise<void> {
  await stockShelves({ api, clock: systemClock, run: 'seed' }, demoGroceries);
  for (const [id, wares] of Object.entries(demoSupermarkets))
    await Promise.all(wares.map((ware) => seedWare(api, id, ware)));
}

interface Prices {
  readonly items: readonly { readonly sku: string }[];
}

const texts = new URL('../../services/pricing/strategies/', import.meta.url);

async function seedWare(api: Api, supermarket: string, { sku, price, strategy }: Ware): Promise<void> {
  const prices = `/v1/supermarkets/${supermarket}/prices`;
  const { body } = await api.get<Prices>(`${prices}?limit=100`);
  if (!body.items.some((one) => one.sku === sku)) await done(() => api.put(`${prices}/${sku}`, price));
  const path = `/v1/pricing/strategies/${sku}?supermarket=${supermarket}`;
  if (strategy === undefined || (await api.get(path)).status === 200) return;
  const { file, name } = strategy;
  await done(() => api.put(path, { name, source: readFileSync(new URL(file, texts), 'utf8') }));

  async function done(ask: () => ReturnType<Api['put']>): Promise<void> {
    const what = `${sku} could not be priced in ${supermarket}`;
    const { status, body: answer } = await settled(what, systemClock, ask);
    if (status >= 300) throw new Trouble(`${what}: ${status} ${JSON.stringify(answer)}`);
  }
}

async function seedCustomer(api: Api, customer: string): Promise<void> {
  const { status, body } = await api.get<Wallet>(`/v1/wallets/${customer}`);
  if (status === 200 && body.available.amount >= ENOUGH) return;
  const run = status === 404 ? 'seed' : `seed-from-${body.available?.amount}`;
  await fund({ api, clock: systemClock, run }, [{ id: customer, fundsMinor: AMOUNT }]);
}
