import { askFor, isDecided } from './checkout-asking.ts';
import { fund } from './fund.ts';
import type { CheckoutPlan, PlannedCheckout } from './checkout-plan.ts';
import type { CheckoutRow } from './checkout-verdict.ts';
import { type Done, openLoop, type Sending, type Simulating } from './open-loop.ts';
import { fundedFor } from './plan.ts';
import { stockShelves } from './shelves.ts';
import type { Api } from '#local/commands/api.ts';

/**
 * Fills shelves and wallets, sends the checkouts of the plan at their times, waits until each is decided and until each order behind an
 * approval has ended. Throws `Trouble` only when shelves or wallets can not be filled.
 */
export function simulateCheckouts({ plan, ...options }: Simulating<CheckoutPlan>): Promise<readonly CheckoutRow[]> {
  return openLoop<PlannedCheckout, CheckoutRow>(options, {
    planned: plan.checkouts,
    async prepare(sending) {
      const prices = await stockShelves(sending, plan.orders.goods);
      await fund(sending, fundedFor(prices, plan.orders));
    },
    send: checkOut,
    lookAgain: (_, rows, api) => boughtAllTheSame([...rows.values()], api),
  });
}

async function checkOut(one: PlannedCheckout, dueAt: number, sending: Sending): Promise<Done<CheckoutRow>> {
  const { n, kind } = one;
  const asked = await askFor(one, kind === 'approved_twice' ? 2 : 1, sending);
  const { decision, answer, givenUp } = asked;
  const { checkoutId, reason, suggestions = [] } = answer?.body ?? {};
  const odd = asked.odd ?? (await oddityOf(sending.api, decision, checkoutId, suggestions.length));
  return {
    row: {
      n,
      kind,
      dueAt,
      decision,
      ...(answer && { httpStatus: answer.status }),
      ...(checkoutId !== undefined && { checkoutId }),
      ...(givenUp.length > 0 && { givenUp }),
      ...(isDecided(asked) && { decidedAt: sending.clock.now() }),
      ...(decision === 'rejected' && { event: reason?.event ?? '-', code: reason?.code ?? '-' }),
      ...(odd !== undefined && { odd }),
    },
    isAccepted: isDecided(asked),
    isOver: decision === 'rejected',
    orderId: decision === 'approved' ? checkoutId : undefined,
  };
}

/** Rows of which a checkout was given up, which was told, and has an order all the same. */
async function boughtAllTheSame(rows: readonly CheckoutRow[], api: Pick<Api, 'get'>): Promise<readonly CheckoutRow[]> {
  const odd: CheckoutRow[] = [];
  for (const row of rows)
    for (const id of row.givenUp ?? [])
      if (await hasOrder(api, id)) odd.push({ ...row, odd: `${id} was given up, and there is an order of its id` });
  return odd;
}

async function oddityOf(
  api: Api,
  decision: CheckoutRow['decision'],
  checkoutId = '',
  suggested = 0,
): Promise<string | undefined> {
  if (decision === 'approved') return suggested > 0 ? undefined : 'approved, and nothing was suggested';
  if (decision !== 'rejected') return undefined;
  if (await hasOrder(api, checkoutId)) return 'rejected, and there is an order of its id';
  return suggested > 0 ? 'rejected, and something was suggested' : undefined;
}

async function hasOrder(api: Pick<Api, 'get'>, id: string): Promise<boolean> {
  const order = await api.get(`/v1/orders/${encodeURIComponent(id)}`).catch(() => undefined);
  return order?.status === 200;
}
