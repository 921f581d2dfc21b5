/** A stream of orders of all kinds, from customers who try again under the same Idempotency-Key until they are told. */
import { orderBody, type Shop } from './place.ts';
import type { TestStack } from './stack.ts';
import { patience } from './until.ts';
import { type Mix, planOf } from '#local/commands/simulator/plan.ts';
import { report } from '#local/commands/simulator/report.ts';
import { simulate } from '#local/commands/simulator/run.ts';
import { verdictOf } from '#local/commands/simulator/verdict.ts';
import { systemClock } from '#shared/clock.ts';

export interface Traffic {
  readonly accepted: ReadonlySet<string>;
  /** By order: the statuses that were seen, each change once. */
  readonly seen: ReadonlyMap<string, readonly string[]>;
  readonly paidIn: Readonly<Record<string, number>>;
  /** The addresses of requests that were refused for good. */
  readonly refused: ReadonlySet<string>;
  /** Sends `count` orders, `perSecond`; resolves when each was answered and has ended. Throws what must not have happened. */
  stream(count: number, perSecond: number): Promise<void>;
  /** Resolves when the sagas of all accepted orders have ended too. */
  allEnded(limitMs: number): Promise<void>;
}

/** Without those that wait for the provider: a stack with short times undoes them. */
const MIX: Mix = { ok: 5, declined: 1, short_funds: 1, foreign_currency: 1, cancelled: 1, duplicate: 1 };
const INVALID_EVERY = 10;
const LIMIT_MS = 180_000;
/** A customer goes on asking for as long as a stack may be away, also on a machine that is busy with other things. */
const INSIST_MS = 600_000;

/** The first stream's plan follows from `seed`, the next one's from the number after it. */
export function createTraffic(shop: Shop, stack: TestStack, seed = 1): Traffic {
  const accepted = new Set<string>();
  const refused = new Set<string>();
  const seen = new Map<string, readonly string[]>();
  const paidIn: Record<string, number> = {};
  let streams = 0;

  /** Requests that can never be accepted, while others are. */
  async function sendInvalid(count: number, everyMs: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const email = `refused-${streams}-${index}@example.org`;
      const answer = await stack.api
        .post('/v1/orders', { ...orderBody({ customerId: 'shop-1', email }), total: 1 })
        .catch(() => undefined);
      if (answer !== undefined && answer.status >= 400 && answer.status < 500) refused.add(email);
      await systemClock.sleep(everyMs);
    }
  }

  return {
    accepted,
    seen,
    paidIn,
    refused,
    async stream(count, perSecond) {
      streams += 1;
      const plan = planOf({
        seed: seed + streams - 1,
        ratePerS: perSecond,
        count,
        customers: 4,
        mix: MIX,
        names: 'shop',
      });
      for (const { id, fundsMinor } of plan.customers) paidIn[id] = (paidIn[id] ?? 0) + fundsMinor;
      const [result] = await Promise.all([
        simulate({
          api: stack.api,
          plan,
          insistMs: INSIST_MS,
          limitMs: patience(LIMIT_MS),
          onAccepted: (orderId) => accepted.add(orderId),
        }),
        sendInvalid(count / INVALID_EVERY, (INVALID_EVERY * 1000) / perSecond),
      ]);
      for (const row of result.rows) if (row.orderId !== undefined) seen.set(row.orderId, row.seen);
      const isBad = result.rows.some((row) => row.orderId === undefined || verdictOf(row) === 'wrong');
      if (isBad) throw new Error(report(result));
    },
    async allEnded(limitMs) {
      for (const orderId of accepted) await shop.ended(orderId, limitMs);
    },
  };
}
