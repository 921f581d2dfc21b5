import type { Selection } from './contract.ts';
import { stepOf } from './letter.ts';
import type { LetterStore, WaitingLetter } from './store.ts';
import type { Clock } from '#shared/clock.ts';
import { limited } from '#shared/database/limited.ts';
import { reasonOf } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';
import { SAGA_ROUTE } from '#services/saga/contract.ts';

export interface EndedOrdersOptions {
  readonly store: Pick<LetterStore, 'waiting' | 'orderEnded'>;
  /** Which of these orders have ended, and when (epoch ms). */
  readonly ended: (orderIds: readonly string[]) => Promise<ReadonlyMap<string, number>>;
}

const PAGE = 500;
const EVERY_MS = 5000;

/**
 * Notes on letters that their order has ended: those that a replay with this selection would choose, or all that are dead. Of an order
 * that has ended only the commands of its steps and undos, and what was on its way to its saga, are for nothing: what another owner was
 * to hear still counts.
 */
export async function noteEndedOrders({ store, ended }: EndedOrdersOptions, select?: Selection): Promise<number> {
  let noted = 0;
  for (let after = ''; ;) {
    const page = await store.waiting(select, after, PAGE);
    const ofSagas = page.filter(isOfSaga);
    const times =
      ofSagas.length === 0
        ? new Map<string, number>()
        : await ended([...new Set(ofSagas.map(({ orderId }) => orderId))]);
    const found = ofSagas.flatMap(({ id, orderId }) => {
      const at = times.get(orderId);
      return at === undefined ? [] : [{ id, at: new Date(at) }];
    });
    await store.orderEnded(found);
    noted += found.length;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return noted;
    after = last.id;
  }
}

/** Looks again and again, until stopped. */
export function watchEndedOrders(options: EndedOrdersOptions & { readonly clock: Clock; readonly log: Log }): {
  stop(): Promise<void>;
} {
  const { clock, log } = options;
  const store = limited(options.store, clock);
  const { ended } = limited({ ended: options.ended }, clock);
  const stopping = new AbortController();
  const { signal } = stopping;

  async function run(): Promise<void> {
    let failing = false;
    while (!signal.aborted) {
      try {
        const noted = await noteEndedOrders({ store, ended });
        if (noted > 0) log.info('dead letters of orders that have ended need nobody', { letters: noted });
        failing = false;
      } catch (error) {
        if (!failing) log.warn('which orders have ended cannot be read', { reason: reasonOf(error) });
        failing = true;
      }
      await clock.sleep(EVERY_MS, signal).catch(() => {});
    }
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

function isOfSaga({ route, orderId, messageId }: WaitingLetter): boolean {
  return route === SAGA_ROUTE || stepOf(messageId, orderId).step !== undefined;
}
