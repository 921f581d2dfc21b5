import { z } from 'zod';
import type { Auditor } from '#services/audit/auditor.ts';
import { type Answer, type Call, type Endpoint, endpoint, ok } from '#shared/web/endpoint.ts';
import { Problem, retryAfter } from '#shared/web/problems.ts';
import { currency } from '#services/money.ts';
import { Late, within } from '#shared/within.ts';
import type { Clock } from '#shared/clock.ts';

export interface Audits {
  readonly auditor: Auditor;
  /** How old an order may be that has not ended, unless a request says so. */
  readonly hangingAfterMs: number;
  /** An audit that takes no longer is answered at once. */
  readonly atOnceMs?: number;
}

const MAX_LISTED = 1000;
const DAY_MS = 86_400_000;

const request = z.strictObject({
  limit: z.int().min(0).max(MAX_LISTED).default(100),
  hangingAfterMs: z
    .int()
    .min(0)
    .max(30 * DAY_MS)
    .optional(),
  graceMs: z.int().min(0).max(60_000).default(2000),
});
type Request = z.output<typeof request>;

const time = z.iso.datetime({ offset: true });
const count = z.int().min(0);
const violation = z.looseObject({
  check: z.string(),
  detail: z.string(),
  orderId: z.string().optional(),
  customerId: z.string().optional(),
  documents: z.array(z.string()),
  evidence: z.looseObject({}),
});
const total = z.looseObject({
  currency,
  toppedUp: z.int(),
  available: z.int(),
  held: z.int(),
  captured: z.int(),
});
export const audit = z.looseObject({
  id: z.string(),
  state: z.enum(['running', 'done', 'failed']),
  startedAt: time,
  endedAt: time.optional(),
  problem: z.string().optional(),
  limit: count,
  hangingAfterMs: count,
  graceMs: count,
  checked: z.looseObject({ orders: count, wallets: count, entries: count, readAgain: count }),
  violations: count,
  byCheck: z.record(z.string(), count),
  items: z.array(violation),
  totals: z.array(total),
});
const audits = z.looseObject({ items: z.array(audit.omit({ items: true })) });

/** Whether what the services keep fits together. */
export function auditEndpoints(
  { auditor, hangingAfterMs, atOnceMs = 4000 }: Audits,
  clock: Clock,
): readonly Endpoint[] {
  const pathOf = (id: string): string => `/v1/audits/${id}`;

  async function start({ body }: Call<unknown, Request>): Promise<Answer> {
    const started = auditor.start({ ...body, hangingAfterMs: body.hangingAfterMs ?? hangingAfterMs });
    if (started === undefined) throw runsAlready();
    const { id } = started;
    try {
      await within(clock, atOnceMs, auditor.ended(id));
    } catch (error) {
      if (!(error instanceof Late)) throw error;
    }
    const current = found(id);
    return current.state === 'running'
      ? { status: 202, headers: { Location: pathOf(id), ...retryAfter(1000) }, body: current }
      : { status: 200, headers: { Location: pathOf(id) }, body: current };
  }

  function runsAlready(): Problem {
    const running = auditor.all().find(({ state }) => state === 'running');
    const where = running && { Location: pathOf(running.id) };
    return new Problem('invalid-transition', 'an audit runs already', {
      headers: { ...retryAfter(1000), ...where },
      ...(running && { members: { auditId: running.id } }),
    });
  }

  function found(id: string) {
    const one = auditor.find(id);
    if (one === undefined) throw new Problem('not-found', 'this gateway ran no such audit, or forgot it');
    return one;
  }

  return [
    endpoint('POST', '/v1/audit', {
      summary:
        'Check the invariants of everything that is stored. 200: done; 202: it runs, see Location; 409: one runs already.',
      access: 'operator',
      body: request,
      bodyOptional: true,
      answers: { 200: audit, 202: audit },
      handle: start,
    }),
    endpoint('GET', '/v1/audits', {
      summary: 'The last audits of this gateway, newest first, without what they list.',
      access: 'operator',
      answers: { 200: audits },
      handle: async () => ok({ items: auditor.all().map(({ items: _, ...summary }) => summary) }),
    }),
    endpoint('GET', '/v1/audits/:auditId', {
      summary: 'An audit: what it has checked and found, also while it runs.',
      access: 'operator',
      answers: { 200: audit },
      handle: async ({ params }) => ok(found(params['auditId'] ?? '')),
    }),
  ];
}
