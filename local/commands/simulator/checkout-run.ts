import { fund } from './fund.ts';
import type { CheckoutPlan, PlannedCheckout } from './checkout-plan.ts';
import type { CheckoutRow } from './checkout-verdict.ts';
import { type Done, openLoop, type Sending, type Simulating } from './open-loop.ts';
import { fundedFor } from './plan.ts';
import { waitMs } from './retry-after.ts';
import { stockShelves } from './shelves.ts';
import type { Api, ApiAnswer } from '#local/commands/api.ts';
import type { CheckoutView } from '#services/checkout/shapes.ts';

const ASK_AGAIN_MS = 200;
const IN_USE_TRIES = 10;
type Answered = ApiAnswer<CheckoutView | undefined>;

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
  });
}

async function checkOut(one: PlannedCheckout, dueAt: number, sending: Sending): Promise<Done<CheckoutRow>> {
  const { n, kind } = one;
  const twice = kind === 'approved_twice';
  const [first, second] = await Promise.all([post(one, sending), twice ? post(one, sending) : undefined]);
  const answer = await followed(first, sending);
  const decision = decisionOf(answer);
  const { checkoutId, reason, suggestions = [] } = answer?.body ?? {};
  const again = second?.body?.checkoutId;
  const odd =
    again !== undefined && checkoutId !== undefined && again !== checkoutId
      ? `one Idempotency-Key made two checkouts, ${checkoutId} and ${again}`
      : await oddityOf(sending.api, decision, checkoutId, suggestions.length);
  const isDecided = decision === 'approved' || decision === 'rejected';
  return {
    row: {
      n,
      kind,
      dueAt,
      decision,
      ...(answer && { httpStatus: answer.status }),
      ...(checkoutId !== undefined && { checkoutId }),
      ...(isDecided && { decidedAt: sending.clock.now() }),
      ...(decision === 'rejected' && { event: reason?.event ?? '-', code: reason?.code ?? '-' }),
      ...(odd !== undefined && { odd }),
    },
    isAccepted: isDecided,
    isOver: decision === 'rejected',
    orderId: decision === 'approved' ? checkoutId : undefined,
  };
}

/** Of two that are sent at once under one key, one is told that the other is running: it asks again for the same answer. */
async function post(one: PlannedCheckout, { api, clock, run, signal }: Sending): Promise<Answered | undefined> {
  const key = { 'idempotency-key': `${run}-${one.n}` };
  for (let tries = 1; ; tries += 1) {
    const answer = await api.post<CheckoutView | undefined>('/v1/checkouts', one.body, key).catch(() => undefined);
    if (answer?.status !== 409 || tries > IN_USE_TRIES || signal.aborted) return answer;
    await clock.sleep(waitMs(answer), signal).catch(() => {});
  }
}

/** Asks until it is decided; a stack that is away for a while is asked again. */
async function followed(
  first: Answered | undefined,
  { api, clock, signal, limitMs }: Sending,
): Promise<Answered | undefined> {
  const giveUpAt = clock.now() + limitMs;
  let last = first;
  const where = first?.status === 202 ? first.body?.checkoutId : undefined;
  while (where !== undefined && last?.body?.status === 'pending' && clock.now() < giveUpAt && !signal.aborted) {
    await clock.sleep(ASK_AGAIN_MS, signal).catch(() => {});
    const asked = await api.get<CheckoutView>(`/v1/checkouts/${encodeURIComponent(where)}`).catch(() => undefined);
    if (asked?.status === 200) last = asked;
  }
  return last;
}

async function oddityOf(
  api: Api,
  decision: CheckoutRow['decision'],
  checkoutId = '',
  suggested = 0,
): Promise<string | undefined> {
  if (decision === 'approved') return suggested > 0 ? undefined : 'approved, and nothing was suggested';
  if (decision !== 'rejected') return undefined;
  const order = await api.get(`/v1/orders/${encodeURIComponent(checkoutId)}`).catch(() => undefined);
  if (order?.status === 200) return 'rejected, and there is an order of its id';
  return suggested > 0 ? 'rejected, and something was suggested' : undefined;
}

function decisionOf(answer: Answered | undefined): CheckoutRow['decision'] {
  if (answer === undefined) return 'unanswered';
  const { status, body } = answer;
  switch (status) {
    case 429:
      return 'refused';
    case 503:
    case 504:
      return 'given_up';
    case 200:
    case 201:
    case 202:
      if (body?.status === 'failed') return 'given_up';
      return body === undefined || body.status === 'pending' ? 'open' : body.status;
    default:
      return 'invalid';
  }
}
