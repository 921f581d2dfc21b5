import { z } from 'zod';
import { auditShape } from './audit-shape.ts';
import type { Auditor } from '#services/audit/auditor.ts';
import { type Answer, type Call, type Endpoint, endpoint, ok, type Tag } from '#shared/web/endpoint.ts';
import { Problem, retryAfter } from '#shared/web/problems.ts';
import { Late, within } from '#shared/within.ts';
import type { Clock } from '#shared/clock.ts';

const auditsTag: Tag = {
  name: 'Audits',
  description: 'Whether what the services keep fits together. For operators.',
};

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
  limit: z.int().min(0).max(MAX_LISTED).default(100).describe('How many violations are listed; all are counted.'),
  hangingAfterMs: z
    .int()
    .min(0)
    .max(30 * DAY_MS)
    .optional()
    .describe('How old an order may be that has not ended, ms.'),
  graceMs: z
    .int()
    .min(0)
    .max(60_000)
    .default(2000)
    .describe('How long what looks wrong may take to become right before it is looked at again, ms.'),
});
type Request = z.output<typeof request>;

/** Whether what the services keep fits together. */
export function auditEndpoints(
  { auditor, hangingAfterMs, atOnceMs = 4000 }: Audits,
  clock: Clock,
): readonly Endpoint[] {
  const audit = auditShape(auditor.names);
  const audits = z.looseObject({ items: z.array(audit.omit({ items: true })).describe('Newest first.') });
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
      id: 'runAudit',
      tag: auditsTag,
      summary: 'Check the invariants of everything that is stored.',
      description: '200: done; 202: it runs, see Location; 409: one runs already, see Location.',
      access: 'operator',
      body: request,
      bodyOptional: true,
      problems: ['invalid-transition'],
      headers: { 200: ['Location'], 202: ['Location', 'Retry-After'], 409: ['Location'] },
      example: { limit: 100, graceMs: 2000 },
      answers: { 200: audit, 202: audit },
      handle: start,
    }),
    endpoint('GET', '/v1/audits', {
      id: 'listAudits',
      tag: auditsTag,
      summary: 'The last audits of this gateway, newest first, without what they list.',
      access: 'operator',
      answers: { 200: audits },
      handle: async () => ok({ items: auditor.all().map(({ items: _, ...summary }) => summary) }),
    }),
    endpoint('GET', '/v1/audits/:auditId', {
      id: 'getAudit',
      tag: auditsTag,
      summary: 'An audit: what it has checked and found, also while it runs.',
      params: { auditId: 'The id that starting it answered.' },
      access: 'operator',
      answers: { 200: audit },
      handle: async ({ params }) => ok(found(params['auditId'] ?? '')),
    }),
  ];
}
