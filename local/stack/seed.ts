import type { Api } from '#local/commands/api.ts';
import { fund } from '#local/commands/simulator/fund.ts';
import { stockShelves } from '#local/commands/simulator/shelves.ts';
import { demoCatalogue } from './demo-catalogue.ts';
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

async function seedCustomer(api: Api, customer: string): Promise<void> {
  const { status, body } = await api.get<Wallet>(`/v1/wallets/${customer}`);
  if (status === 200 && body.available.amount >= ENOUGH) return;
  const run = status === 404 ? 'seed' : `seed-from-${body.available?.amount}`;
  await fund({ api, clock: systemClock, run }, [{ id: customer, fundsMinor: AMOUNT }]);
}
