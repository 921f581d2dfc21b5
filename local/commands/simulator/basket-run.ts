import { act, type Acted, chargedFault } from './basket-acting.ts';
import { openSupermarkets } from './basket-market.ts';
import type { BasketPlan, PlannedBasket } from './basket-plan.ts';
import type { BasketRow } from './basket-verdict.ts';
import { forEach } from './asking.ts';
import { fund } from './fund.ts';
import { openLoop, type Simulating } from './open-loop.ts';
import { stockShelves } from './shelves.ts';

/**
 * Fills shelves and wallets and sets prices, does what is planned at its time, and waits until each order of a basket has ended. Throws
 * `Trouble` only when it can not begin.
 */
export async function simulateBaskets({ plan, ...options }: Simulating<BasketPlan>): Promise<readonly BasketRow[]> {
  const inTurn = oneAfterAnother();
  return openLoop<PlannedBasket, BasketRow>(options, {
    planned: plan.baskets,
    async prepare(sending) {
      await stockShelves(sending, plan.goods);
      await openSupermarkets(sending);
      await fund(sending, plan.customers);
    },
    async send(one, dueAt, { api, clock, run }) {
      const acted = await inTurn(one, () => act(one, api, run));
      const { n, kind } = one;
      const { end, orderId } = acted;
      return {
        row: { n, kind, dueAt, answeredAt: clock.now(), ...acted },
        isAccepted: end === 'done' || end === 'unknown_product',
        isOver: orderId === undefined,
        orderId,
      };
    },
    async lookAgain(ordered, rows, api) {
      const found: BasketRow[] = [];
      await forEach(ordered, async ([orderId, one]) => {
        const odd = await chargedFault(one, orderId, api);
        if (odd !== undefined) found.push({ odd, ...rows.get(one.n)! });
      });
      return found;
    },
  });
}

/** A basket that is kept is changed by one at a time, and by nobody any more once a change may still happen that was given up. */
function oneAfterAnother(): (one: PlannedBasket, run: () => Promise<Acted>) => Promise<Acted> {
  const last = new Map<string, Promise<boolean>>();
  return async ({ kind, supermarketId, userId }, run) => {
    if (kind !== 'kept' && kind !== 'ordered') return run();
    const whose = `${supermarketId}/${userId}`;
    const before = last.get(whose);
    const acted = (async (): Promise<Acted> => ((await before) === false ? { end: 'left_out' } : run()))();
    last.set(
      whose,
      acted.then(({ end }) => end === 'done'),
    );
    return acted;
  };
}
