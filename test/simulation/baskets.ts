/**
 * Baskets in a simulated town: priced, kept and ordered while strategies are swapped and rolled back and workers are lost. BK-14: what
 * was shown, ordered and captured is what the versions compute that the lines name, and everybody's basket is one's own.
 */
import {
  chargedFaults,
  FUNDS,
  type Owner,
  owners,
  piecesOf,
  prices,
  remembering,
  shipped,
  users,
} from './basket-model.ts';
import { basketOrderFaults, basketOrders } from './basket-orders.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimulatedTown } from './town.ts';
import { createDoor } from '#test/town/door.ts';
import { PLAIN } from '#services/pricing/contract.ts';
import { versionOf } from '#services/pricing/scripts/version.ts';

const ONE_SHOTS = 16;
const CHANGES = 12;
const CHECKOUTS = 6;
const SWAPS = 3;
const SWAPPED = 'book';
const strategies = `/v1/pricing/strategies/${SWAPPED}`;
/** No total, for a while: a worker was lost, a message refused, a basket changed meanwhile. */
const CLEAN = [202, 409, 429, 503, 504];

interface Shown {
  readonly id?: string;
  readonly total: { readonly amount: number };
  readonly lines: readonly {
    readonly sku: string;
    readonly quantity: number;
    readonly unitPrice: { readonly amount: number };
    readonly amount: number;
    readonly strategy: { readonly version: string };
  }[];
}

export interface Baskets {
  /** Prices and a first strategy, without faults; whether they are there. */
  readonly isOpen: () => boolean;
  /** `drawn`: a stream of its own. */
  send(drawn: Scheduler, overMs: number): void;
  /** Whether every request has its answer and every order of a basket has ended. */
  isOver(): boolean;
  faults(): Promise<readonly string[]>;
  readonly counts: ReadonlyMap<string, number>;
}

export function openBaskets(town: SimulatedTown): Baskets {
  const { broker, machines, tell, faults, scheduler } = town;
  const { clock } = scheduler;
  const homes = new Map([...town.homes].map(([name, store]) => [name, { store }]));
  const { ask } = createDoor({ clock: { ...clock, during: (promise) => promise }, broker, homes });
  const wrong: string[] = [];
  const counts = new Map<string, number>();
  /** By order, what its basket was told to cost. */
  const told = new Map<string, number>();
  let open = 0;

  function asking<Body>(...[method, target, options]: Parameters<typeof ask>): Promise<{ status: number; body: Body }> {
    open += 1;
    return ask<Body>(method, target, options).finally(() => (open -= 1));
  }

  const setUp = (target: string, body: object, method: 'PUT' | 'POST' = 'PUT'): void =>
    void asking(method, target, { body }).then(({ status }) => status === 202 && wrong.push(`${target} waits`));
  for (const [supermarketId, goods] of Object.entries(prices))
    for (const [sku, amount] of Object.entries(goods))
      setUp(`/v1/supermarkets/${supermarketId}/prices/${sku}`, { amount, currency: 'EUR' });
  for (const user of users) setUp(`/v1/wallets/${user}/top-ups`, { amount: FUNDS, currency: 'EUR' }, 'POST');
  setUp(strategies, { source: shipped });

  /** A total that is right, or a clean reason for none. */
  function saw(what: string, { userId }: Owner, { status, body }: { status: number; body: Shown }): void {
    const how = `baskets ${what} ${status < 300 ? 'done' : 'refused'}`;
    counts.set(how, (counts.get(how) ?? 0) + 1);
    if (status !== 200) {
      if (!CLEAN.includes(status)) wrong.push(`${what} by ${userId} is ${status}: ${JSON.stringify(body)}`);
      return;
    }
    const lines = body.lines.map(({ strategy: { version }, ...line }) => ({ ...line, version }));
    wrong.push(...chargedFaults(userId, lines, body.total.amount).map((one) => `${what}: ${one}`));
  }

  function send({ between }: Scheduler, overMs: number): void {
    const goods = Object.keys(prices['north']!);
    const one = <Item>(items: readonly Item[]): Item => items[between(0, items.length)]!;
    const some = (count: number, act: (owner: Owner, n: number) => void): void => {
      for (let n = 0; n < count; n += 1) {
        const owner = one(owners);
        clock.after(between(0, overMs), () => act(owner, n));
      }
    };
    some(ONE_SHOTS, (owner, n) => {
      const items = goods.slice(0, 1 + (n % 3)).map((sku) => ({ sku, quantity: piecesOf(owner, n % 5) }));
      void asking<Shown>('POST', '/v1/baskets/price', { body: { ...owner, items } }).then((answer) =>
        saw('priced', owner, answer),
      );
    });
    some(CHANGES, (owner, n) => {
      const path = `/v1/baskets/${owner.supermarketId}/${owner.userId}`;
      const sku = goods[n % 3];
      void asking('PUT', `${path}/items/${sku}`, { body: { quantity: piecesOf(owner, n % 4) }, as: owner.userId })
        .then(() => asking<Shown>('GET', path, { as: owner.userId }))
        .then((answer) => saw('read', owner, answer));
    });
    some(CHECKOUTS, (owner, n) => {
      const { supermarketId, userId } = owner;
      const asked = { as: userId, key: `basket-${n}`, body: { email: `${userId}@example.org` } };
      void asking<Shown>('POST', `/v1/baskets/${supermarketId}/${userId}/checkout`, asked).then((answer) => {
        if (answer.status === 202) told.set(answer.body.id!, answer.body.total.amount);
        saw('ordered', owner, answer);
      });
    });
    clock.after(
      between(0, overMs),
      () =>
        void asking<{ detail?: string }>('PUT', strategies, { body: { source: remembering } }).then(
          ({ status, body }) => status === 422 && wrong.push(`a strategy is refused: ${body.detail}`),
        ),
    );
    some(SWAPS, () => {
      const version = one([versionOf(shipped), versionOf(remembering), PLAIN.version]);
      void asking('POST', `${strategies}/activate`, { body: { version } });
    });
    clock.after(between(0, overMs), () => {
      if (faults.healed) return;
      const machine = one(machines.filter(({ name }) => /^(pricing|basket)-/.test(name)));
      tell(`${machine.name} is lost among baskets`);
      machine.kill();
    });
  }

  return {
    counts,
    isOpen: () => open === 0,
    send,
    isOver: () =>
      open === 0 && basketOrders(town).every(({ key }) => town.sagas.documents.get(key)?.state?.phase === 'ended'),
    async faults() {
      return [...wrong, ...(await basketOrderFaults(town, told))].map((what) => `BK-14: ${what}`);
    },
  };
}
