import { basketFault, type ShownLine, STRATEGIES, UNKNOWN_SKU } from './basket-market.ts';
import type { PlannedBasket } from './basket-plan.ts';
import type { BasketEnd, BasketRow } from './basket-verdict.ts';
import { emailOf } from './plan.ts';
import type { Api, ApiAnswer } from '#local/commands/api.ts';
import { PLAIN } from '#services/pricing/contract.ts';

export type Acted = Pick<BasketRow, 'end' | 'httpStatus' | 'odd' | 'orderId'>;

interface Shown {
  readonly id?: string;
  readonly total: { readonly amount: number };
  readonly lines: readonly ShownLine[];
}
interface Refusal {
  readonly type?: string;
  readonly sku?: string;
}
type Answered = ApiAnswer<(Shown & Refusal) | undefined> | undefined;

/** Does what is planned, and says what came of it. `run` begins the Idempotency-Keys. */
export async function act(planned: PlannedBasket, api: Api, run: string): Promise<Acted> {
  const { kind, supermarketId, userId, items, asked, n } = planned;
  const path = `/v1/baskets/${supermarketId}/${userId}`;
  switch (kind) {
    case 'kept':
    case 'ordered': {
      const filled = await fill(path, items, api);
      if (filled.end !== 'done') return filled;
      return kind === 'kept' ? read(planned, path, api) : order(planned, path, api, `${run}-${n}`);
    }
    case 'swap':
      return meaning(await answered(swap(planned, api)));
    default:
      return shown(planned, await answered(api.post('/v1/baskets/price', { supermarketId, userId, items: asked })));
  }
}

function swap({ supermarketId, strategy, items }: PlannedBasket, api: Api): ReturnType<Api['put']> {
  const path = `/v1/pricing/strategies/${items[0]!.sku}`;
  const known = STRATEGIES.find(({ name }) => name === strategy);
  return known === undefined
    ? api.post(`${path}/activate?supermarket=${supermarketId}`, { version: PLAIN.version })
    : api.put(`${path}?supermarket=${supermarketId}`, { name: known.name, source: known.source });
}

/** Nothing but these is in it when it is done. */
async function fill(path: string, items: PlannedBasket['items'], api: Api): Promise<Acted> {
  const emptied = meaning(await answered(api.delete(path)));
  if (emptied.end !== 'done') return emptied;
  for (const { sku, quantity } of items) {
    const put = meaning(await answered(api.put(`${path}/items/${sku}`, { quantity })));
    if (put.end !== 'done') return put;
  }
  return { end: 'done' };
}

async function read(planned: PlannedBasket, path: string, api: Api): Promise<Acted> {
  const seen = shown(planned, await answered(api.get(path)));
  if (seen.end !== 'done' || seen.odd !== undefined) return seen;
  const emptied = meaning(await answered(api.delete(path)));
  return emptied.end === 'done' ? seen : emptied;
}

async function order(planned: PlannedBasket, path: string, api: Api, key: string): Promise<Acted> {
  const body = { email: emailOf({ customerId: planned.userId, n: planned.n }) };
  const answer = await answered(api.post(`${path}/checkout`, body, { 'idempotency-key': key }));
  const orderId = answer?.status === 202 ? answer.body?.id : undefined;
  if (orderId === undefined) return meaning(answer);
  const left = await answered(api.get(path));
  const rest = left?.status === 200 ? left.body!.lines.length : 0;
  return {
    end: 'done',
    httpStatus: 202,
    orderId,
    ...(rest > 0 && { odd: `${rest} products of what was ordered are still in the basket` }),
  };
}

function shown({ kind, supermarketId, items }: PlannedBasket, answer: Answered): Acted {
  const acted = meaning(answer);
  if (acted.end === 'unknown_product' && kind === 'unknown_sku' && answer?.body?.sku !== UNKNOWN_SKU)
    return { ...acted, odd: `the problem names ${answer?.body?.sku}` };
  if (acted.end !== 'done' || kind === 'unknown_sku') return acted;
  const odd = basketFault(supermarketId, items, answer!.body!);
  return odd === undefined ? acted : { ...acted, odd };
}

interface OrderedView {
  readonly total: { readonly amount: number };
  readonly items: readonly (Pick<ShownLine, 'sku' | 'quantity' | 'unitPrice'> & {
    readonly amount?: number;
    readonly pricedBy?: string;
  })[];
}

/** What is wrong with what an order of a basket is charged, by the versions that it names. */
export async function chargedFault(
  { supermarketId, items }: PlannedBasket,
  orderId: string,
  api: Pick<Api, 'get'>,
): Promise<string | undefined> {
  const answer = await api.get<OrderedView>(`/v1/orders/${encodeURIComponent(orderId)}`).catch(() => undefined);
  if (answer?.status !== 200) return undefined;
  const lines = answer.body.items.map(({ sku, quantity, unitPrice, amount, pricedBy }) => ({
    sku,
    quantity,
    unitPrice,
    amount: amount ?? quantity * unitPrice.amount,
    strategy: { version: pricedBy ?? PLAIN.version },
  }));
  return basketFault(supermarketId, items, { total: answer.body.total, lines });
}

const answered = (asked: Promise<ApiAnswer<unknown>>): Promise<Answered> =>
  asked.then(
    (answer) => answer as Answered,
    () => undefined,
  );

function meaning(answer: Answered): Acted {
  return answer === undefined ? { end: 'unanswered' } : { end: endOf(answer), httpStatus: answer.status };
}

function endOf({ status, body }: NonNullable<Answered>): BasketEnd {
  switch (status) {
    case 200:
    case 201:
    case 204:
      return 'done';
    case 202:
    case 429:
    case 503:
    case 504:
      return 'given_up';
    default:
      return status === 422 && body?.type === '/problems/unknown-product' ? 'unknown_product' : 'invalid';
  }
}
