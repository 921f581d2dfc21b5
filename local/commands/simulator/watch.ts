import type { Api } from '#local/commands/api.ts';
import type { Clock } from '#shared/clock.ts';

/** What is read of an order. */
export interface Seen {
  readonly id: string;
  readonly status: string;
  readonly updatedAt: string;
  readonly failure?: { readonly reason: string };
}

export interface Watch {
  add(orderId: string): void;
  readonly open: number;
  readonly reads: { readonly pages: number; readonly orders: number };
  /** Reads until `signal` is aborted; resolves then. */
  run(signal: AbortSignal): Promise<void>;
}

export interface WatchOptions {
  readonly api: Pick<Api, 'get'>;
  readonly clock: Clock;
  /** Told each time an open order was read; says whether it has ended, and is then not asked for again. */
  readonly onSeen: (order: Seen) => boolean;
}

const EVERY_MS = 500;
export const PAGE = 100;
/** One page costs the gateway about as much as so many single orders. */
const PAGE_COST = 8;
const SINGLES_AT_ONCE = 20;
/** The longer an order has been open, the more rarely it is read alone; this rarely at last. */
const LONGEST_MS = 5000;

/**
 * Finds out what ended, one request at a time and resting as long as each round took: the newest orders by pages of the list
 * (newest first), the few stragglers behind them one by one. Thousands of open orders cost a hundredth of as many requests.
 */
export function createWatch({ api, clock, onSeen }: WatchOptions): Watch {
  /** Newest last; those before the oldest open one are forgotten. */
  let known: string[] = [];
  const open = new Map<string, { readonly since: number; readonly readAt: number }>();
  const reads = { pages: 0, orders: 0 };

  function take(order: Seen): void {
    if (open.has(order.id) && onSeen(order)) open.delete(order.id);
  }

  async function readRound(signal: AbortSignal): Promise<void> {
    known.sort();
    const oldest = known.findIndex((id) => open.has(id));
    known = oldest === -1 ? [] : known.slice(oldest);
    const positions = known.toReversed().flatMap((id, index) => (open.has(id) ? [index] : []));
    const walkedTo = await walk(depthOf(positions), signal);
    const now = clock.now();
    const behind = [...open]
      .filter(([id]) => walkedTo === undefined || id < walkedTo)
      .filter(([, { since, readAt }]) => now - readAt >= Math.min((now - since) / 10, LONGEST_MS))
      .toSorted(([, a], [, b]) => a.readAt - b.readAt);
    for (const [id, { since }] of behind.slice(0, SINGLES_AT_ONCE)) {
      if (signal.aborted) return;
      const { status, body } = await api.get<Seen>(`/v1/orders/${encodeURIComponent(id)}`);
      reads.orders += 1;
      open.set(id, { since, readAt: now });
      if (status === 200) take(body);
      else if (status !== 404) throw new Error(`an order answered ${status}`);
    }
  }

  /** Other people's orders are in the list too, so it may take more pages than planned. The last id that was reached. */
  async function walk(pages: number, signal: AbortSignal): Promise<string | undefined> {
    const target = known[Math.max(0, known.length - pages * PAGE)];
    let cursor: string | undefined;
    let last: string | undefined;
    for (let page = 0; page < 2 * pages && !signal.aborted; page += 1) {
      const from = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const { status, body } = await api.get<{ items: readonly Seen[]; nextCursor?: string }>(
        `/v1/orders?limit=${PAGE}${from}`,
      );
      if (status !== 200) throw new Error(`the list answered ${status}`);
      reads.pages += 1;
      body.items.forEach(take);
      last = body.items.at(-1)?.id ?? last;
      cursor = body.nextCursor;
      if (cursor === undefined || last === undefined || target === undefined || last <= target) break;
    }
    return last;
  }

  return {
    add(orderId) {
      known.push(orderId);
      open.set(orderId, { since: clock.now(), readAt: 0 });
    },
    get open() {
      return open.size;
    },
    reads,
    async run(signal) {
      while (!signal.aborted) {
        const startedAt = clock.now();
        // A stack that is away for a while is asked again.
        if (open.size > 0) await readRound(signal).catch(() => {});
        await clock.sleep(Math.max(EVERY_MS, clock.now() - startedAt), signal).catch(() => {});
      }
    },
  };
}

/**
 * How many pages to read when open orders are at these positions (ascending, newest is 0): where the pages and the orders
 * left to be read alone cost least together.
 */
export function depthOf(positions: readonly number[]): number {
  let best = { pages: 0, cost: positions.length };
  positions.forEach((position, index) => {
    const pages = Math.floor(position / PAGE) + 1;
    const cost = pages * PAGE_COST + positions.length - index - 1;
    if (cost < best.cost) best = { pages, cost };
  });
  return best.pages;
}
