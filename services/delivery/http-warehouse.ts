import ky, { isHTTPError } from 'ky';
import { z } from 'zod';
import type { Warehouse, WarehouseCall } from './warehouse.ts';
import { saidFrom } from '#services/fields.ts';
import { backoffMs, type Backoff } from '#shared/backoff.ts';
import type { Clock } from '#shared/clock.ts';

/** How one run of a call is tried: again after a 5xx, a 408, a 429, a time-out or a broken connection. */
export interface Tries {
  readonly backoff: Backoff;
  /** Tries of one run, the first included. */
  readonly limit: number;
  /** What one try may take. */
  readonly tryMs: number;
}

export interface HttpWarehouseOptions {
  /** The warehouse's base address. */
  readonly url: string;
  readonly tries: Tries;
  readonly clock: Pick<Clock, 'random'>;
}

/** Tries that fit an effect's limit: their waits take less than half of it, and two that hang fill it. */
export function triesWithin(effectMs: number): Tries {
  const part = (of: number): number => Math.max(1, Math.floor(effectMs / of));
  return { backoff: { baseMs: part(24), capMs: part(6) }, limit: 5, tryMs: part(2) };
}

const AGAIN_LATER: readonly number[] = [408, 429];
const refusal = z.object({ reason: z.string().min(1) });

/**
 * The warehouse over HTTP. 2xx is done; any other 4xx than those above is a refusal with its reason, after one call;
 * the rest is tried again under the same key, and throws when the tries are used up or the call's signal is aborted.
 */
export function httpWarehouse({ url, tries, clock }: HttpWarehouseOptions): Warehouse {
  const base = url.endsWith('/') ? url : `${url}/`;
  const http = ky.create({
    timeout: tries.tryMs,
    redirect: 'error',
    retry: {
      limit: tries.limit - 1,
      methods: ['post', 'delete'],
      shouldRetry: ({ error }) => (isHTTPError(error) ? isPassing(error.response.status) : undefined),
      retryOnTimeout: true,
      delay: (attempt) => backoffMs(tries.backoff, attempt, clock.random),
    },
  });
  const options = ({ idempotencyKey, signal, traceparent }: WarehouseCall) => ({
    signal,
    headers: { 'idempotency-key': idempotencyKey, ...(traceparent !== undefined && { traceparent }) },
  });

  return {
    async dispatch({ deliveryId, orderId, items, ...call }) {
      const json = { deliveryId, orderId, items };
      try {
        await http.post(new URL('deliveries', base), { ...options({ deliveryId, ...call }), json }).text();
        return { accepted: true };
      } catch (error) {
        if (!isHTTPError(error) || !isRefusal(error.response.status)) throw error;
        const told = refusal.safeParse(error.data);
        return { accepted: false, ...saidFrom(told.success ? told.data.reason : `warehouse_${error.response.status}`) };
      }
    },
    async cancel(call) {
      try {
        await http.delete(new URL(`deliveries/${encodeURIComponent(call.deliveryId)}`, base), options(call)).text();
      } catch (error) {
        if (!isHTTPError(error) || error.response.status !== 404) throw error;
      }
    },
  };
}

function isPassing(status: number): boolean {
  return status >= 500 || AGAIN_LATER.includes(status);
}

function isRefusal(status: number): boolean {
  return status >= 400 && !isPassing(status);
}
