import { z } from 'zod';
import { adjust, adjusted, adjustRefused, delta, onHand, set, type StockLevel } from './contract.ts';
import type { StockQueries } from './view.ts';
import { reason } from '#services/fields.ts';
import { composed } from '#services/submitting.ts';
import type { AcceptedRequest, Door, Submission } from '#shared/web/door.ts';
import type { Answer, Call } from '#shared/web/endpoint.ts';
import { etagOf, stale, versionOf } from '#shared/web/preconditions.ts';
import { Problem } from '#shared/web/problems.ts';

export const adjustmentBody = z.strictObject({
  delta: delta.describe('By how much it changes; negative takes away.'),
  reason: reason.describe('Why.'),
});
export const levelBody = z.strictObject({ onHand: onHand.describe('How many there are.') });

/** A change of what is on hand, as the command that makes it. */
export function adjusting(
  sku: string,
  call: Call<unknown, z.output<typeof adjustmentBody>>,
  door: Door,
  stock: StockQueries,
): Submission {
  const { body: asked } = call;
  return {
    ...submission('stock-adjustment', [sku, asked], sku, call, stock, 201, (id) => ({ id, ...asked })),
    compose() {
      const id = door.clock.id();
      const body = { sku, adjustmentId: id, ...asked };
      const accepted = { id, sku, ...asked, state: 'pending' };
      const answer = { status: 202, headers: { Location: adjustmentPath(sku, id) }, body: accepted };
      return composed(adjust, { id, body, customerId: call.caller.subject, accepted: answer }, call, door);
    },
  };
}

/** What is on hand from now on, if nothing has changed since the caller read it. */
export function setting(
  sku: string,
  call: Call<unknown, z.output<typeof levelBody>>,
  door: Door,
  stock: StockQueries,
): Submission {
  const { body: level, ifMatch } = call;
  return {
    ...submission('stock-level', [sku, level, ifMatch], sku, call, stock, 200, () => ({})),
    compose() {
      const body = { sku, ...level, ...versionOf(ifMatch) };
      const accepted = { status: 202, headers: { Location: itemPath(sku) }, body: { sku, ...level, state: 'pending' } };
      return composed(set, { body, customerId: call.caller.subject, accepted }, call, door);
    },
  };
}

function submission(
  kind: string,
  same: unknown,
  sku: string,
  { caller, idempotencyKey }: Call,
  stock: StockQueries,
  status: number,
  more: (id: string) => object,
): Omit<Submission, 'compose'> {
  return {
    kind,
    needs: [adjust.route],
    subject: caller.subject,
    idempotencyKey,
    same,
    outcome: ({ message: { id } }: AcceptedRequest) => outcomeOf(id),
  };

  async function outcomeOf(id: string): Promise<Answer | undefined> {
    const answer = await stock.outcome(sku, id);
    if (answer?.type === adjustRefused.name) throw await refusal(adjustRefused.body.parse(answer.body).reason);
    if (answer?.type !== adjusted.name) return undefined;
    const { onHand: now, reserved, version } = adjusted.body.parse(answer.body);
    const level: StockLevel = { sku, onHand: now, reserved, available: now - reserved, version };
    const location = status === 201 && { Location: adjustmentPath(sku, id) };
    return { status, headers: { ETag: etagOf(version), ...location }, body: { ...level, ...more(id) } };
  }

  async function refusal(why: string): Promise<Problem> {
    const item = await stock.item(sku);
    if (why === 'unknown_sku' || item === undefined) return new Problem('not-found', 'no stock of it is kept');
    if (why === 'stale') return stale(item.version);
    const { onHand: now, reserved, available } = item;
    if (why === 'stock_negative')
      return new Problem('stock-negative', 'less would be on hand than is reserved', {
        members: { onHand: now, reserved, available },
      });
    return new Problem('invalid-transition', `the stock refused it: ${why}`, { members: { reason: why } });
  }
}

function itemPath(sku: string): string {
  return `/v1/stock/${encodeURIComponent(sku)}`;
}

function adjustmentPath(sku: string, id: string): string {
  return `${itemPath(sku)}/adjustments/${encodeURIComponent(id)}`;
}
